"""What is preferred to what: pairs by return, by preference, and alternatives from one state (specs/learn/itool)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_preferences import earning, graded, played

from made_play import Branches, Made, nano, sample
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Batch, End, Episode, Leaf, Message, Signal, Task, Turn
from turnwise.explore import Grouped
from turnwise.learn.alternatives import AGAINST, overlap, states, step_pairs
from turnwise.learn.pairs import Pair, Side, Verdict, by_task, pairs_by_return, pairs_of, verdicts_of, whole
from turnwise.learn.sides import side_rows
from turnwise.worlds import make


def told(task, *steps, fresh=False, key="t", error=None):
    """An episode of given steps (what was seen, what was said, what that earned)."""
    turns = tuple(
        Turn(n - 1, n, "agent", (Message("user", seen),), Message("assistant", said), {"agent": earned}, fresh=fresh)
        for n, (seen, said, earned) in enumerate(steps)
    )
    end = Leaf(len(turns) - 1, End.ERROR if error else End.DONE, error=error)
    return Episode(f"{key}/{len(steps)}", Task(task, "made"), turns, (end,))


def context(episode, turn):
    for n in episode.path():
        yield from (m.text for m in episode.turns[n].seen)
        if n == turn:
            return
        yield episode.turns[n].message.text


def test_a_task_on_which_all_ended_alike_yields_no_pair():
    _, batch = graded(played(), [1, 0, 0, 1, 1, 0, 1, 1])  # tasks 0 to 3 twice: (1, 1), (0, 0), (0, 1), (1, 1)
    (pair,) = pairs_of(batch, generator(0), 9)
    assert (pair.better.episode, pair.worse.episode) == (6, 2)
    assert verdicts_of(batch, generator(0)) == [Verdict(pair.better, True), Verdict(pair.worse, False)]


def test_a_broken_path_is_on_no_side():
    _, batch = graded(played(), [1, 0, 0, 1, 1, 0, 1, 1])
    episodes = list(batch.episodes)
    episodes[2] = dataclasses.replace(episodes[2], ends=(dataclasses.replace(episodes[2].ends[0], end=End.ERROR),))
    assert not pairs_of(Batch(episodes), generator(0))
    preferred = Signal(episodes[6].id, "rank", better_than=episodes[2].id)
    assert not pairs_of(Batch(episodes, [preferred]), generator(0))


def test_pairs_are_drawn_evenly_and_never_twice():
    _, batch = played()
    same = [dataclasses.replace(earning(e, n % 3), task=batch.episodes[0].task) for n, e in enumerate(batch.episodes)]
    everything = pairs_by_return(same, generator(0), 10**6)
    assert len(everything) == len(set(everything)) == 21  # 3, 3, 2 episodes that earned 0, 1, 2: 9 + 6 + 6
    assert all(same[p.better.episode].total() > same[p.worse.episode].total() for p in everything)
    drawn = [pairs_by_return(same, generator(k), 1)[0] for k in range(400)]
    assert set(drawn) == set(everything)
    assert len(pairs_by_return(same, generator(0), 5)) == 5


def test_a_preference_is_taken_before_returns():
    _, batch = graded(played(), [1, 0, 0, 1, 1, 0, 1, 1])
    ids = [e.id for e in batch.episodes]
    signals = [Signal(ids[0], "rank", better_than=ids[5]), Signal(ids[1], "rank", value=3.0), Signal("x", "r", None, 0)]
    signals.append(Signal(ids[1], "rank", better_than="another batch"))
    assert pairs_of(Batch(batch.episodes, signals), generator(0)) == [
        Pair(whole(batch.episodes, 0), whole(batch.episodes, 5))
    ]
    with pytest.raises(TurnwiseError, match="preferred to itself by anna"):
        pairs_of(Batch(batch.episodes, [Signal(ids[0], "r", better_than=ids[0], source="anna")]), generator(0))


def test_branches_of_a_tree_are_sides_that_share_turns():
    policy = nano("maze")
    episodes, _ = sample(policy, Made(turns=4), 1, Branches(), turns=None)
    (sides,) = by_task(episodes).values()
    assert len(sides) == 3 and {side.turns[:2] for side in sides} == {(0, 1)}
    for side, rows in zip(sides, side_rows(episodes, sides, policy.chat), strict=True):
        written = np.concatenate([episodes[0].turns[i].tokens.reply for i in side.turns])
        assert np.concatenate([row.ids[row.loss] for row in rows]).tolist() == written.tolist()
    (only,) = side_rows(episodes, [Side(0, 1, (sides[1].turns[-1],))], policy.chat)
    assert only[0].ids[only[0].loss].tolist() == episodes[0].turns[sides[1].turns[-1]].tokens.reply.tolist()


def test_an_episode_in_which_nobody_spoke_is_no_side():
    _, batch = played(2)
    silent = dataclasses.replace(batch.episodes[0], turns=(), ends=(Leaf(-1, End.LEFT),))
    assert not by_task([silent])


def chosen(episodes, **how):
    """(better, worse) texts of the pairs."""
    texts = lambda side: episodes[side.episode].turns[side.turns[0]].message.text  # noqa: E731
    return [(texts(pair.better), texts(pair.worse)) for pair in step_pairs(episodes, **how)]


def test_alternatives_share_all_that_was_read_before_them():
    one = told("t", ("start", "left", 0.0), ("a wall", "up", 1.0))
    two = told("t", ("start", "left", 0.0), ("a wall", "down", 0.0))
    three = told("t", ("start", "right", 0.0), ("a wall", "down", 3.0))  # sees the same, after other words
    other = told("another", ("start", "left", 9.0))
    episodes = [one, two, three, other]
    assert chosen(episodes) == [("right", "left"), ("up", "down")]
    for pair in step_pairs(episodes):
        contexts = [list(context(episodes[s.episode], s.turns[0])) for s in pair.sides]
        assert contexts[0] == contexts[1]
    assert [[a.worth for a in of_state] for of_state in states(episodes)] == [[0.5, 3.0], [1.0, 0.0], [3.0], [9.0]]


def test_a_view_that_begins_anew_is_the_whole_state():
    one = told("t", ("start", "left", 0.0), ("a wall", "up", 1.0), fresh=True)
    two = told("t", ("start", "right", 0.0), ("a wall", "down", 0.0), fresh=True)
    assert chosen([one, two]) == [("left", "right"), ("up", "down")]


def test_one_episode_or_one_text_yields_no_pair():
    one = told("t", ("start", "left", 1.0))
    assert not step_pairs([one]) and not step_pairs([one, told("t", ("start", "left", 0.0))])
    assert not step_pairs([one, told("t", ("start", "right", 0.0), error="broke")])


def test_the_gap_and_the_overlap_decide():
    episodes = [told("t", ("s", text, worth)) for text, worth in (("f(a, b)", 1.0), ("f(a, c)", 0.95), ("g(d)", 0.0))]
    assert chosen(episodes, against="all") == [("f(a, b)", "g(d)")]  # 0.05 is no gap
    assert chosen(episodes, against="all", gap=0.05) == [("f(a, b)", "f(a, c)"), ("f(a, b)", "g(d)")]
    assert chosen(episodes, against="all", gap=0.05, alike=0.4) == [("f(a, b)", "g(d)")]
    assert chosen(episodes) == [("f(a, b)", "g(d)")] and not step_pairs(episodes, least=2)
    same = [told("t", ("s", text, 1.0)) for text in ("x", "y")]
    assert not step_pairs(same, gap=0.0)
    with pytest.raises(UnknownName, match="did you mean 'worst'"):
        step_pairs(episodes, against="wurst")


def test_the_worked_overlap():
    assert overlap("f(a, b)", "f(a, c)") == 0.5 and overlap("f(a, b)", "f(a, b)") == 1.0 and overlap("", "a") == 1.0


@pytest.mark.parametrize("against", AGAINST)
def test_a_better_turn_never_stands_among_the_worse_of_its_state(against):
    episodes, _ = sample(nano("maze"), make("maze"), 3, Grouped(5), turns=2)
    worths = np.random.default_rng(0).normal(size=len(episodes))
    batch = Batch([earning(e, worth) for e, worth in zip(episodes, worths, strict=True)])
    pairs = step_pairs(batch.episodes, 0.0, against=against)
    assert pairs
    for pair in pairs:
        texts = [batch.episodes[s.episode].turns[s.turns[0]].message.text for s in pair.sides]
        assert texts[0] != texts[1] and all(len(side.turns) == 1 for side in pair.sides)


def test_branches_of_one_tree_are_alternatives():
    policy = nano("maze")
    (tree,), _ = sample(policy, Made(turns=4), 1, Branches(), turns=None)
    last = [leaf.turn for leaf in tree.ends]
    turns = [dataclasses.replace(t, rewards={"agent": float(n == last[1])}) for n, t in enumerate(tree.turns)]
    tree = dataclasses.replace(tree, turns=tuple(turns))
    pairs = step_pairs([tree], against="all")
    split = {tree.turns[side.turns[0]].parent for pair in pairs for side in pair.sides}
    assert split == {1} and all(tree.path(pair.better.leaf)[-1] == last[1] for pair in pairs)
