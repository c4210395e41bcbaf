"""The parts of a simulated person: words, draws, knobs, the five disclosure rules, and a model for a voice."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.models.scripted import Scripted
from turnwise.users.acts import UNCLEAR, DialogueAct
from turnwise.users.disclosure import AnyOf, ByPatience, ByTrust, ByUnderstanding, OnCritique, OnRequest
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import ACKNOWLEDGE, LEAVE, Person
from turnwise.users.phrases import Phrases
from turnwise.users.voice import ByModel, Templates, in_words_of, speaker

FACTS = {"budget": "300 dollars", "colour": "red", "size": "small"}
OTHERS = {"budget": ("300 dollars", "500 dollars"), "colour": ("red", "blue", "green"), "size": ("small", "large")}
PHRASES = Phrases(
    {
        "inform=red": ("red, of course.",),
        "inform:budget": ("I have {value}.",),
        "inform": ("{about}? {value}.", "{value} as to {about}."),
        "vague": ("{about}? hm.",),
        "refuse": ("I will not say.",),
        "acknowledge": ("fine.",),
        "unclear": ("pardon?",),
        "leave": ("enough.",),
    }
)
VOICE = Templates(PHRASES, ("nice weather.", "so. well."), chatter=0.5)


def ask(fact):
    return DialogueAct("ask", fact)


def person(rule=None, **knobs):
    return Person(FACTS, rule or OnRequest(), VOICE, Knobs(**knobs), OTHERS, {"colour": "bright"}, ("colour",))


def talk(somebody, acts, key=1):
    """Replies to one act after the other."""
    standing, found = somebody.begin(), []
    for turn, act in enumerate(acts, 1):
        found.append(somebody.reply(standing, act, Draws(key, turn)))
        standing = found[-1].standing
    return found


# -- words -------------------------------------------------------------------------------------------------------------


def test_the_most_special_wording_is_said_and_read():
    draws = Draws(0, 1)
    assert PHRASES.say(DialogueAct("inform", "budget", "300 dollars"), draws) == "I have 300 dollars."
    assert PHRASES.say(DialogueAct("inform", "colour", "red"), draws) == "red, of course."
    assert PHRASES.read("i have  300 DOLLARS") == DialogueAct("inform", "budget", "300 dollars")
    assert PHRASES.read("large as to size!") == DialogueAct("inform", "size", "large")
    assert PHRASES.read("as to size") is None and PHRASES.read("") is None
    with pytest.raises(TurnwiseError, match="no words for shout"):
        PHRASES.say(DialogueAct("shout"), draws)
    with pytest.raises(TurnwiseError, match="no wording"):
        Phrases({"ask": ()})


@given(st.integers(0, 2**53), st.sampled_from(sorted(FACTS)), st.integers(1, 3))
def test_what_a_voice_says_is_what_is_read(key, fact, count):
    acts = [DialogueAct("inform", fact, OTHERS[fact][-1]), DialogueAct("refuse"), UNCLEAR][:count]
    assert VOICE.read(VOICE.say(acts, Draws(key, 1))) == tuple(acts)


def test_a_slot_does_not_reach_over_the_end_of_a_sentence():
    heard = VOICE.read("it rained all day. size? large. fine.")
    assert heard == (DialogueAct("inform", "size", "large"), DialogueAct("acknowledge"))


@given(st.integers(0, 2**53), st.integers(0, 99), st.text(max_size=9))
def test_draws_are_fixed_by_what_they_are_for(key, turn, name):
    one = Draws(key, turn)
    assert 0.0 <= one.uniform(name) < 1.0 and one.uniform(name) == Draws(key, turn).uniform(name)
    assert one.choice((1, 2, 3), name) == Draws(key, turn).choice((1, 2, 3), name)
    assert not one.happens(0.0, name) and one.happens(1.0, name)


def test_knobs_are_chances():
    for wrong in ({"error": 1.2}, {"vagueness": -0.1}, {"patience": -1}):
        with pytest.raises(TurnwiseError):
            Knobs(**wrong)
    with pytest.raises(TurnwiseError, match="changing"):
        Person(FACTS, OnRequest(), VOICE, Knobs(changing=0.1))
    with pytest.raises(TurnwiseError, match="error"):
        Person(FACTS, OnRequest(), VOICE, Knobs(error=0.1))


# -- the five rules ----------------------------------------------------------------------------------------------------


def test_requested_slot():
    first, second, third = talk(person(), [ask("size"), DialogueAct("chat", "size"), ask("weight")])
    assert first.acts == (DialogueAct("inform", "size", "small"),) and first.standing.told == {"size": "small"}
    assert second.acts == third.acts == (ACKNOWLEDGE,) and second.standing.told == {"size": "small"}


def test_critique():
    rule = OnCritique(lambda act, facts: tuple(name for name, value in facts.items() if value not in act.value))
    wrong, right = talk(
        person(rule), [DialogueAct("propose", value=v) for v in ("small blue", "small red 300 dollars")]
    )
    assert [act.about for act in wrong.acts] == ["budget"] and right.acts == (ACKNOWLEDGE,)
    assert talk(person(rule), [ask("size")])[0].acts == (DialogueAct("refuse", "size"),)


def test_trust_threshold():
    rule = ByTrust({"budget": 0.3}, {"warm": 0.2, "cold": -0.1}, begin=0.1)
    acts = [ask("size"), ask("budget"), DialogueAct("warm"), DialogueAct("cold"), ask("budget"), DialogueAct("warm")]
    replies = talk(person(rule), [*acts, ask("budget")])
    kinds = [reply.acts[0].kind for reply in replies]
    assert kinds == ["inform", "refuse", "acknowledge", "acknowledge", "refuse", "acknowledge", "inform"]
    assert [reply.standing.state for reply in replies][2:4] == [0.3, 0.2]
    assert talk(person(rule), [DialogueAct("warm")] * 9)[-1].standing.state == 1.0


def test_understanding_flag():
    rule = ByUnderstanding({"size": 2}, frozenset({"focus"}), frozenset({"tell"}))
    one, two = talk(person(rule), [DialogueAct("focus", "size")] * 2)
    assert one.acts[0].kind == "refuse" and two.acts == (DialogueAct("inform", "size", "small"),)
    assert rule.understood(one.standing.state) == frozenset() and rule.understood(two.standing.state) == {"size"}
    (told,) = talk(person(rule), [DialogueAct("tell", "size")])
    assert told.acts[0].kind == "inform" and rule.understood(told.standing.state) == frozenset()


def test_patience():
    rule = ByPatience(2, ("size", "colour"), frozenset({"ask"}))
    replies = talk(person(rule), [DialogueAct("chat")] * 6)
    assert [reply.acts[0].about for reply in replies] == ["", "size", "", "colour", "", ""]
    assert talk(person(rule), [ask("budget")])[0].acts[0].kind == "inform"


def test_any_of_several_rules():
    rule = AnyOf((OnRequest(), ByPatience(1, ("colour",))))
    (reply,) = talk(person(rule), [ask("size")])
    assert rule.opens(reply.standing.state, ask("size"), FACTS) == ("size", "colour")
    assert reply.acts == (DialogueAct("inform", "size", "small"),)


# -- what knobs do to a reply ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("knob", "event", "acts"),
    [
        ("withholding", "withheld", (DialogueAct("refuse", "colour"),)),
        ("vagueness", "vague", (DialogueAct("vague", "colour", "bright"),)),
    ],
)
def test_an_answer_that_is_none(knob, event, acts):
    (reply,) = talk(person(**{knob: 1.0}), [ask("colour")])
    assert reply.acts == acts and reply.events == ((event, "colour"),)
    assert not reply.standing.told and reply.standing.wasted == 1


def test_a_mistake_a_changed_mind_and_help_unasked():
    (mistaken,) = talk(person(error=1.0), [ask("size")])
    assert mistaken.acts == (DialogueAct("inform", "size", "large"),) and mistaken.events == (("mistaken", "size"),)
    (changed,) = talk(person(changing=1.0), [ask("colour")])
    assert changed.standing.facts["colour"] != "red" and changed.acts[0].value == changed.standing.facts["colour"]
    assert person().facts["colour"] == "red"
    (helpful,) = talk(person(cooperation=1.0), [ask("size")])
    assert [act.about for act in helpful.acts][0] == "size" and len(helpful.standing.told) == 2


def test_patience_runs_out_after_turns_without_use():
    acts = [None, ask("size"), ask("size"), None, ask("colour")]
    replies = talk(person(patience=2), acts)
    assert [reply.standing.idle for reply in replies[:4]] == [1, 0, 1, 2]
    assert replies[3].acts == (LEAVE,) and replies[3].standing.left and replies[3].standing.wasted == 3
    assert not any(reply.standing.left for reply in talk(person(), [None] * 50))


# -- a model for a voice -----------------------------------------------------------------------------------------------


def test_a_model_words_the_acts_unless_it_is_unfaithful():
    asked = []

    def says(seen):
        asked.append(seen[-1].text)
        return ["oh,  it has to be Small", "small, and red by the way", "I would not know", ""][len(asked) - 1]

    somebody = in_words_of(speaker(Scripted(says)), person())
    acts = (DialogueAct("inform", "size", "small"),)
    assert isinstance(somebody.voice, ByModel) and somebody.voice.secrets == ("300 dollars", "small")
    assert somebody.voice.say(acts, Draws(1, 1)) == "oh, it has to be Small"
    assert "inform(size, small)" in asked[0] and "dollars" not in asked[0]
    plain = VOICE.say(acts, Draws(1, 1))
    strict = ByModel(speaker(Scripted(says)), VOICE, ("red",))
    assert [strict.say(acts, Draws(1, 1)) for _ in range(3)] == [plain] * 3


def test_a_model_can_be_asked_inside_a_running_loop():
    speak = speaker(Scripted(lambda seen: "yes"))

    async def inside():
        return speak("say yes")

    assert asyncio.run(inside()) == "yes"
