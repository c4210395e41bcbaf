"""What else may stay of a history, and which tokens of a reply are trained: the arms of specs/learn/webagent_r1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_play import batch_of, nano, sample
from turnwise.agents.scripted import ScriptedAgent
from turnwise.api.specs import spec
from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import CreditTable, Message
from turnwise.explore import Independent, Table
from turnwise.learn.thought import answers_only, thought_length
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.worlds import make
from turnwise.worlds.truncated import Truncated, newest_words

TEXTS = st.lists(st.text("ab \n", max_size=12), max_size=5)


# --- the newest words ---


@given(TEXTS, st.integers(1, 20))
def test_the_newest_words_are_the_end_of_what_was_said(texts, words):
    kept = newest_words([Message("user", text) for text in texts], words)
    whole, shown = "".join(texts), "".join(message.text for message in kept)
    assert whole.endswith(shown) or not shown.split()
    count = sum(len(text.split()) for text in texts)
    assert sum(len(m.text.split()) for m in kept) == min(words, count)


def views(world):
    """What an agent that goes straight to the thing is shown, turn by turn."""
    found = []

    def told(view, rng):
        found.append(view.messages)
        return rule(view, rng)

    rule = world.expert("forgetful")
    Table(world, {"agent": ScriptedAgent(told)}, 0).collect(Independent(), world.tasks("eval")[:1])
    return found


def test_the_task_stays_and_older_words_are_cut():
    shop = make("long-shop", filler=30)
    whole, cut = views(shop), views(Truncated(shop, 40))
    assert len(whole) == len(cut) == 3
    for turn in (1, 2):
        assert cut[turn][0] == whole[turn][0], "the task"
        assert cut[turn][-1] == whole[turn][-1], "the newest page"
        assert sum(len(m.text.split()) for m in cut[turn][1:]) == 40
        assert "".join(m.text for m in whole[turn]).endswith("".join(m.text for m in cut[turn][1:]))
    assert not any("voucher" in m.text and "shop:" in m.text for m in cut[2][1:]), "the first page is out of view"


def test_room_enough_cuts_nothing():
    shop = make("long-shop", filler=5)
    assert views(shop) == views(Truncated(shop, 10_000))


def test_a_copy_goes_on_with_the_same_history():
    world = Truncated(make("long-shop", filler=20), 30).live()
    world.reset(world.tasks("eval")[0], Chance(0))
    world.step({"agent": Message("assistant", "open mugs\n")})
    twin = world.fork(Chance(1))
    said = {"agent": Message("assistant", "back\n")}
    assert isinstance(twin, Truncated) and twin.step(said) == world.step(said)
    assert world.settings()["words"] == 30
    with pytest.raises(TurnwiseError, match="1 or more"):
        Truncated(world, 0)


def test_a_misspelt_history_is_refused_before_the_first_episode():
    with pytest.raises(UnknownName, match="did you mean 'truncated'"):
        spec("long-shop", "webagent-r1", "scratch:nano", {"history": "truncate"}, {}, 0).build()


# --- answers alone ---

WORDS = ["<think>", "hm", "</", "think", "><", "act>", "go"]


def decode(ids):
    return "".join(WORDS[i] for i in ids)


@pytest.mark.parametrize(
    ("reply", "thought"),
    [([0, 1, 2, 3, 4, 5, 6], 5), ([1, 6], 0), ([0, 1, 2, 3], 0), ([0, 2, 3, 4, 6, 2, 3, 4], 4), ([], 0)],
)
def test_a_thought_ends_with_the_token_that_completes_its_mark(reply, thought):
    assert thought_length(reply, "</think>", decode) == thought


@pytest.fixture(scope="module")
def played():
    """Replies of a policy that writes thoughts, and where each ends."""
    policy = nano("grid-phone")
    episodes, _ = sample(policy, make("grid-phone"), 12, turns=3, max_new=40)
    return policy, episodes


def test_thoughts_lose_their_credit_and_answers_keep_theirs(played):
    policy, episodes = played
    table = CreditTable("made", "turn", [[0.5 + n for n in range(len(e.turns))] for e in episodes])
    masked = answers_only(table, episodes, "</think>", policy.chat.decode)
    found = 0
    for e, episode in enumerate(episodes):
        for t, turn in enumerate(episode.turns):
            credit, ids = masked.values[e][t], turn.tokens.reply.tolist()
            cut = thought_length(ids, "</think>", policy.chat.decode)
            assert np.isnan(credit[:cut]).all() and (credit[cut:] == 0.5 + t).all() and len(credit) == len(ids)
            assert cut == 0 or "</think>" not in policy.chat.decode(ids[: cut - 1])
            found += cut > 0
    assert found and masked.unit == "token"


def test_only_answers_are_trained(played):
    policy, episodes = played
    table = CreditTable("made", "turn", [[1.0] * len(e.turns) for e in episodes])
    masked = answers_only(table, episodes, "</think>", policy.chat.decode)
    tokens = [
        PolicyGradient(policy, PolicyGradientSettings(value=0.0, lr=0.0), 0)
        .learn(batch_of(episodes, one))[0]
        .change["loss_tokens"]
        for one in (table, masked)
    ]
    replies = [turn.tokens.reply.tolist() for e in episodes for turn in e.turns]
    thoughts = sum(thought_length(ids, "</think>", policy.chat.decode) for ids in replies)
    assert tokens[0] - tokens[1] == thoughts > 0


def test_without_the_mark_nothing_changes(played):
    policy, episodes = played
    table = CreditTable("made", "turn", [[1.0] * len(e.turns) for e in episodes])
    masked = answers_only(table, episodes, "no such mark", policy.chat.decode)
    assert all((credit == 1.0).all() for credits in masked.values for credit in credits)
