"""What is recalled of a conversation from its words alone is where the person itself stands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import ByPatience, ByTrust, ByUnderstanding, OnRequest
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person
from turnwise.users.phrases import Phrases
from turnwise.users.recall import recall
from turnwise.users.voice import Templates

FACTS = {"colour": "red", "shape": "round", "size": "small"}
OTHERS = {"colour": ("red", "blue"), "shape": ("round", "flat"), "size": ("small", "large")}
VOICE = Templates(Phrases({"inform": ("{about}: {value}.",)}))
RULES = {
    "asked": OnRequest(),
    "trusted": ByTrust({"shape": 0.4, "size": 0.8}, {"chat": 0.2, "ask": -0.1}),
    "understood": ByUnderstanding(dict.fromkeys(FACTS, 2), frozenset({"chat"}), frozenset({"ask"})),
    "unasked": ByPatience(2, tuple(FACTS)),
}
ACTS = st.one_of(
    st.none(), st.builds(DialogueAct, st.sampled_from(("ask", "chat")), st.sampled_from(("", "weight", *FACTS)))
)


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=60, deadline=None)
@given(acts=st.lists(ACTS, max_size=12), key=st.integers(0, 1 << 40), chances=st.tuples(*[st.floats(0, 1)] * 4))
def test_recall_is_where_the_person_stands(rule, acts, key, chances):
    vagueness, error, withholding, cooperation = chances
    knobs = Knobs(0, vagueness, error, withholding, cooperation)
    person = Person(FACTS, RULES[rule], VOICE, knobs, OTHERS)
    standing, exchanges = person.begin(), []
    for turn, act in enumerate(acts, 1):
        reply = person.reply(standing, act, Draws(key, turn))
        standing = reply.standing
        exchanges.append((act, reply.acts))
    assert recall(person, person.begin(), exchanges) == standing


def test_an_unread_turn_passes_without_use():
    person = Person(FACTS, OnRequest(), VOICE)
    told = DialogueAct("inform", "colour", "red")
    found = recall(person, person.begin(), [(DialogueAct("ask", "colour"), (told,)), (None, (DialogueAct("unclear"),))])
    assert (found.turn, found.told, found.idle, found.wasted) == (2, {"colour": "red"}, 1, 1)


def test_a_turn_that_the_world_counts_as_useful_is_not_idle():
    person, said = Person(FACTS, OnRequest(), VOICE), [(DialogueAct("chat"), ()), (DialogueAct("show"), ())]
    found = recall(person, person.begin(), said, lambda act: act.kind == "show")
    assert (found.idle, found.wasted) == (0, 1)
