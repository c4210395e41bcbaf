"""SPORT: executed candidates, the verifier's choice, and the pairs of a step (specs/learn/sport)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_play import Made, nano, sample
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.errors import TurnwiseError
from turnwise.explore import Independent, Table
from turnwise.explore.candidates import Candidates, parsed
from turnwise.learn.bleu import bleu
from turnwise.learn.candidates import candidate_pairs, steps_of
from turnwise.learn.sides import side_rows
from turnwise.models.engine import Engine
from turnwise.recipes.sport import by_truth
from turnwise.worlds import make

MOVES = ("move left\n", "move right\n", "move up\n", "move down\n", "jump")


def wander(view, rng):
    return str(rng.choice(MOVES))


def nothing_refused(reply, answer):
    return False


def first(before, after):
    return "1"


def trees(verifier=first, n=4, world=None, tasks=6):
    world = world or make("maze", layout="umaze", max_steps=6)
    table = Table(world, {"agent": ScriptedAgent(wander)}, 0)
    return table.collect(Candidates(verifier, n), world.tasks("train")[:tasks])


def test_all_candidates_of_a_step_see_the_same_state():
    """Each is a child of the same turn, read the same text, and was answered as if it alone had been said."""
    world = make("maze", layout="umaze", max_steps=6)
    after = world.sight.layout.after
    for tree in trees(world=world):
        for step in steps_of(tree):
            both = [tree.turns[i] for i in (step.chosen, *step.others)]
            assert len({(t.parent, t.tick, t.seen) for t in both}) == 1
            assert len({t.message.text for t in both}) == len(both)
            text = both[0].seen[-1].text
            cell = world.sight.texts.index(text)
            for turn in both if both[0].tick < world.max_steps else ():  # the last one moves nothing
                to = after[turn.message.text][cell] if turn.message.text in after else cell
                assert turn.facts["position"] == list(world.sight.layout.cells[to])


def test_the_trunk_is_what_was_chosen_and_prompts_grow_along_it():
    for tree in trees(lambda before, after: str(len(after))):
        chosen = tree.origin["chosen"]
        assert chosen and [tree.turns[i].parent for i in chosen] == [-1, *chosen[:-1]]
        leaf = next(n for n, end in enumerate(tree.ends) if end.turn == chosen[-1])
        assert tree.path(leaf) == chosen
        assert {end.turn for end in tree.ends} == set(range(len(tree.turns))) - {t.parent for t in tree.turns}


def test_one_candidate_is_an_ordinary_rollout_without_pairs():
    found = trees(n=1)
    world = make("maze", layout="umaze", max_steps=6)
    table = Table(world, {"agent": ScriptedAgent(wander)}, 0)
    plain = table.collect(Independent(), world.tasks("train")[:6])
    assert candidate_pairs(found, nothing_refused, 1.1) == []
    assert all(len(t.ends) == 1 and t.path() == list(range(len(t.turns))) for t in found)
    assert [t.task.key for t in found] == [t.task.key for t in plain]


def test_what_was_chosen_is_never_rejected():
    found = trees(lambda before, after: str(len(after)))
    pairs = candidate_pairs(found, lambda reply, answer: reply == "jump", 1.1, most_refused=5)
    assert len(pairs) > 20
    for pair in pairs:
        tree = found[pair.better.episode]
        assert pair.better.episode == pair.worse.episode and pair.better.turns != pair.worse.turns
        (one,), (other,) = pair.better.turns, pair.worse.turns
        assert one in tree.origin["chosen"] and other not in tree.origin["chosen"]
        assert tree.turns[one].parent == tree.turns[other].parent
        assert one in tree.path(pair.better.leaf) and other in tree.path(pair.worse.leaf)


def test_the_worked_step():
    """A chosen; a near copy of it, and an error: exactly the pair (A, error)."""
    near = "look up the price of seven red apples in the shop today"
    said = [near, f"{near} please", "boom"]
    assert bleu(said[1], said[0]) > 0.8 > 0.3 > bleu(said[2], said[0])
    agent = ScriptedAgent(lambda view, rng: said[int(rng.integers(3))])
    found = Table(Made(turns=1), {"agent": agent, "user": agent}, 0).collect(
        Candidates(lambda before, after: str(1 + texts(after).index(near)) if near in texts(after) else "1", 12),
        Made().tasks("train")[:1],
    )
    (step,) = steps_of(found[0])
    assert found[0].turns[step.chosen].message.text == near and len(step.others) == 2
    (pair,) = candidate_pairs(found, lambda reply, answer: reply == "boom")
    assert found[0].turns[pair.worse.turns[0]].message.text == "boom"


def texts(after):
    return [c.tree.turns[c.node].message.text for c in after]


def test_at_most_so_many_errors_of_a_step_are_taken():
    def count(most):
        return len(candidate_pairs(found, lambda reply, answer: True, 0.0, most))

    found = trees()
    steps = [len(step.others) for tree in found for step in steps_of(tree)]
    assert count(2) == sum(min(2, n) for n in steps) and count(0) == 0


@pytest.mark.parametrize(("answer", "index"), [("2", 1), (" 3\n", 2), ("7", None), ("the second", None), ("0", None)])
def test_an_answer_that_names_no_candidate_is_none(answer, index):
    assert parsed(answer, 3) == index


def test_fallbacks_go_on_with_the_first_and_are_counted():
    lost, kept = trees(lambda before, after: "I like them all"), trees(first)
    for one, other in zip(lost, kept, strict=True):
        assert one.origin["fallbacks"] == one.origin["steps"] > 0 == other.origin["fallbacks"]
        assert [t.message for t in one.turns] == [t.message for t in other.turns]


def test_position_bias_is_measured():
    """Who always takes the first is moved by an order; who reads what was said is not."""
    biased = trees(first)
    fair = trees(lambda before, after: str(1 + texts(after).index(max(texts(after)))))
    share = [sum(t.origin["moved"] for t in side) / sum(t.origin["steps"] for t in side) for side in (biased, fair)]
    assert share[0] > 0.5 and share[1] == 0.0


def test_a_verifier_that_knows_the_truth_takes_the_best():
    world = make("maze", layout="umaze", max_steps=6)
    exact = world.exact()
    for tree in trees(by_truth(world, 0.0), world=world):
        for step in steps_of(tree):
            at = exact.number[tree.turns[step.chosen].tick, tree.turns[step.chosen].seen[-1].text]
            worth = [exact.q[at, exact.read(tree.turns[i].message.text)] for i in (step.chosen, *step.others)]
            assert worth[0] == max(worth)


def test_only_the_candidate_carries_loss():
    """Prompt and answer are read, and have no gradient."""
    policy, world = nano("maze"), make("maze", layout="umaze", max_steps=4)
    found, agent = sample(policy, world, 4, Candidates(first, 3), turns=None)
    assert isinstance(agent.engine, Engine) and not agent.engine.lines
    pairs = candidate_pairs(found, nothing_refused, 1.1)
    sides = [side for pair in pairs for side in pair.sides]
    assert pairs
    for side, rows in zip(sides, side_rows(found, sides, policy.chat), strict=True):
        turn = found[side.episode].turns[side.turns[0]]
        assert sum(int(row.loss.sum()) for row in rows) == int(turn.tokens.sampled.sum())
        assert [row.ids[row.loss].tolist() for row in rows] == [turn.tokens.reply.tolist()]


@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=9), st.lists(st.sampled_from("abcd"), min_size=1, max_size=9)
)
def test_bleu_is_a_share_and_one_for_the_same(one, other):
    a, b = " ".join(one), " ".join(other)
    assert 0.0 <= bleu(a, b) <= 1.0 and bleu(a, a) == pytest.approx(1.0)
    assert bleu(a, b) == 0.0 if not set(one) & set(other) else bleu(a, b) > 0.0


def test_bleu_by_hand():
    """Unigrams 2 of 3, bigrams (1 + 1) of (2 + 1), trigrams (0 + 1) of (1 + 1)."""
    assert bleu("a b x", "a b c") == pytest.approx((2 / 3 * 2 / 3 * 1 / 2) ** (1 / 3))
    assert bleu("a", "a b") == pytest.approx(np.exp(-1)) and bleu("", "") == 1.0 and bleu("", "a") == 0.0


def test_no_candidate_is_refused():
    with pytest.raises(TurnwiseError, match="n = 0"):
        Candidates(first, 0)
