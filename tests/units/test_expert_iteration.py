"""Expert iteration: the rules of specs/learn/bfs_prover_v2, on pure functions, on searches, and on a real learner."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from made_play import Made, nano, sample
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, End
from turnwise.explore import Table
from turnwise.explore.best_first import BestFirst
from turnwise.explore.tree_search import TreeSearch
from turnwise.learn.band import band_signals, in_band, turn_nll
from turnwise.learn.plateau import stalled
from turnwise.learn.sequences import rows_of
from turnwise.learn.solutions import Solutions
from turnwise.learn.solved import solve_rate, solved_paths, succeeded
from turnwise.learn.weights.expert_iteration import ExpertIteration, ExpertIterationSettings
from turnwise.learn.weights.imitation import ImitationSettings
from turnwise.learn.weights.lots import logprobs
from turnwise.plan.best_first import best_first, priority
from turnwise.worlds import make

NLL = np.array([0.1, 0.5, 0.9, 1.3, 4.0])
MOVES = ("move left\n", "move right\n", "move up\n", "move down\n")


def wander(view, rng):
    return str(rng.choice(MOVES))


def trees(explorer=None, tasks=4, max_steps=8):
    """Searches of a random player in a small maze."""
    world = make("maze", layout="umaze", max_steps=max_steps)
    table = Table(world, {"agent": ScriptedAgent(wander)}, 0)
    return world, table.collect(explorer or TreeSearch(24, 3), world.tasks("train")[:tasks])


# --- the band ---


def test_the_worked_band():
    assert NLL[in_band(NLL, 0.2, 0.8)].tolist() == [0.5, 0.9, 1.3]


@given(st.lists(st.floats(0, 50), max_size=30))
def test_the_whole_band_is_plain_expert_iteration(nll):
    assert in_band(np.array(nll), 0.0, 1.0).all()


@given(st.lists(st.floats(0, 50), min_size=1, max_size=30), st.floats(0, 0.49), st.floats(0.51, 1))
def test_a_band_keeps_something_and_nothing_outside_its_ends(nll, low, high):
    found = np.array(nll)
    kept = found[in_band(found, low, high)]
    out = found[~in_band(found, low, high)]
    assert len(kept) or (high - low) * (len(found) - 1) < 1 + 1e-9, "ranks so far apart have one between them"
    assert all(x < kept.min() or x > kept.max() for x in out) if len(kept) else True


def test_what_is_no_band_is_refused():
    for low, high in ((0.5, 0.5), (-0.1, 1.0), (0.0, 1.1)):
        with pytest.raises(TurnwiseError, match="quantiles"):
            in_band(NLL, low, high)


def test_nll_is_that_of_the_current_policy():
    """The mean over a turn's tokens; another policy, another band."""
    policy = nano("maze")
    episodes, _ = sample(policy, Made(turns=3), 4, turns=3)
    rows = rows_of(episodes, policy.chat)
    places, nll = turn_nll(rows, logprobs(policy, rows, 10**6))
    for (e, turn), found in zip(places, nll, strict=True):
        assert found == pytest.approx(-episodes[e].turns[turn].tokens.logprobs.mean(), abs=1e-4)
    assert len(places) == sum(len(e.turns) for e in episodes)
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=noise))
    moved = turn_nll(rows, logprobs(policy, rows, 10**6))[1]
    kept = [[s.value == 0.0 for s in band_signals(episodes, places, x, 0.2, 0.8)] for x in (nll, moved)]
    assert kept[0] != kept[1]


# --- best-first search ---


def test_priorities():
    assert priority(-2.0, 4, 0.0) == -2.0 and priority(-2.0, 4, 1.0) == -0.5 and priority(0.0, 0, 1.0) == 0.0


@given(st.lists(st.floats(-5, 0), min_size=1, max_size=12), st.floats(-5, 0))
def test_without_normalisation_a_path_is_never_above_its_beginning(logps, last):
    assert priority(sum(logps) + last, len(logps) + 1, 0.0) <= priority(sum(logps), len(logps), 0.0)


@given(st.floats(-5, 0), st.integers(1, 20))
def test_the_mean_does_not_look_at_depth(logp, length):
    assert priority(logp * length, length, 1.0) == pytest.approx(logp)


class Digits:
    """Three digits; 0 has probability .6, 1 .3, 2 .1; the goal is one of the 27 numbers."""

    def __init__(self, goal):
        self.goal, self.asked = goal, []

    async def moves(self, place):
        self.asked.append(place)
        return [] if len(place) == 3 else [(d, float(np.log(p))) for d, p in enumerate((0.6, 0.3, 0.1))]

    async def step(self, place, move):
        return (*place, move), (*place, move) == self.goal


@pytest.mark.parametrize("a", [0.0, 1.0])
def test_best_first_expands_in_the_order_of_its_priority(a):
    game = Digits((2, 2, 2))
    found = asyncio.run(best_first(game, (), 100, a))
    assert found[-1].solved and sum(f.solved for f in found) == 1
    by_place = {f.place: f for f in found}
    waiting, order = {(): 0.0}, []
    for place in game.asked:  # replay the frontier: each expansion was the best that waited
        best = max(waiting.values())
        assert waiting.pop(place) == pytest.approx(best)
        order.append(best)
        waiting |= {p: priority(f.logp, f.length, a) for p, f in by_place.items() if p[:-1] == place and len(p) > 0}
    assert len(game.asked) <= 40 and len(set(game.asked)) == len(game.asked)


def test_a_likely_goal_is_found_without_looking_at_the_others():
    game = Digits((0, 0, 0))
    asyncio.run(best_first(game, (), 100, 1.0))
    assert game.asked == [(), (0,), (0, 0)]


def test_a_budget_is_kept_and_nonsense_refused():
    game = Digits((2, 2, 2))
    asyncio.run(best_first(game, (), 5))
    assert len(game.asked) == 5
    with pytest.raises(TurnwiseError, match="0 expansions"):
        asyncio.run(best_first(game, (), 0))
    with pytest.raises(TurnwiseError, match="width = 0"):
        BestFirst(width=0)


def test_best_first_gives_whole_trees_and_stops_when_it_has_enough():
    _, found = trees(BestFirst(60, 4, enough=1), tasks=6)
    assert any(solve_rate([tree]) for tree in found)
    for tree in found:
        leaves = set(range(len(tree.turns))) - {t.parent for t in tree.turns}
        assert {leaf.turn for leaf in tree.ends} == leaves
        assert {leaf.end for leaf in tree.ends} <= {End.DONE, End.TURNS}
        assert sum(succeeded(tree, n) for n in range(len(tree.ends))) <= 1


# --- what was found ---


def test_every_found_path_replays_to_what_was_stored():
    """The world, asked again with the same words, shows the same to the letter."""
    world, found = trees()
    solved = solved_paths(found)
    assert solved
    for episode in solved:
        again = world.live()
        moment = again.reset(episode.task, Chance(0))
        for turn in episode.turns:
            assert moment.views["agent"][-1].text == turn.seen[-1].text
            moment = again.step({"agent": turn.message})
            assert dict(moment.rewards) == dict(turn.rewards)
        assert moment.facts["success"] and moment.views["agent"] == episode.ends[0].seen["agent"]


def test_found_paths_are_straight_and_said_once():
    _, found = trees()
    solved = solved_paths(found)
    assert len({e.id for e in solved}) == len(solved)
    said = [(e.task.key, tuple(t.message.text for t in e.turns)) for e in solved]
    assert len(set(said)) == len(said)
    assert all(e.path() == list(range(len(e.turns))) and e.success for e in solved)


def test_tasks_that_are_too_easy_are_left_out():
    _, found = trees(tasks=7)
    ends = [[succeeded(t, n) for n in range(len(t.ends)) if t.ends[n].end.terminal] for t in found]
    share = {t.task.key: np.mean(e) for t, e in zip(found, ends, strict=True)}
    middle = float(np.median(list(share.values())))
    kept = {e.task.key for e in solved_paths(found, easy=middle)}
    assert kept == {key for key, s in share.items() if 0 < s <= middle}
    assert {e.task.key for e in solved_paths(found)} == {key for key, s in share.items() if s > 0} > kept


def test_proving_again_never_loses_a_solved_task():
    _, found = trees(TreeSearch(60, 4), tasks=7, max_steps=12)
    solved = solved_paths(found)
    held = Solutions(most=5)
    held.add(solved)
    keys = set(held.held)
    one = sorted(keys)[0]
    longest = max((e for e in solved if e.task.key == one), key=lambda e: len(e.turns))
    shortest = {k: min(len(e.turns) for e in held.held[k]) for k in keys}
    held.prove_again([longest])
    assert set(held.held) == keys and all(len(v) == 1 for v in held.held.values())
    assert held.held[one] == [longest], "a task that was solved anew holds the new solution"
    assert all(len(held.held[k][0].turns) == shortest[k] for k in keys - {one})


def test_solutions_are_bounded_per_task_and_saved(tmp_path):
    _, found = trees()
    solved = solved_paths(found)
    held = Solutions(most=2)
    held.add(solved)
    held.add(solved)
    assert max(len(v) for v in held.held.values()) <= 2 and len(held) == len({e.id for e in held.all})
    held.save(tmp_path / "held.parquet")
    again = Solutions(most=2)
    again.load(tmp_path / "held.parquet")
    assert [e.id for e in again.all] == [e.id for e in held.all]


def test_a_plateau():
    assert not stalled([0.1, 0.2, 0.3], 2) and not stalled([0.3, 0.3], 2) and not stalled([0.5] * 9, 0)
    assert stalled([0.3, 0.3, 0.2], 2) and stalled([0.3, 0.3, 0.31], 2, rise=0.02)


# --- the learner ---


@pytest.fixture(scope="module")
def given_trees():
    """A policy, and trees of somebody else in which there is something to find."""
    _, episodes = trees()
    assert solve_rate(episodes) > 0
    return nano("maze"), Batch(episodes)


def learner(policy, **settings):
    return ExpertIteration(policy, ExpertIterationSettings(**settings), ImitationSettings(batch=4, warmup=1), 0)


def test_a_round_imitates_the_band(given_trees):
    policy, batch = copy.deepcopy(given_trees[0]), given_trees[1]
    one = learner(policy)
    (first,) = one.learn(batch)
    assert first.after == policy.version == 1 and 0.5 < first.change["in_band"] < 1.0
    (whole,) = learner(copy.deepcopy(given_trees[0]), low=0.0, high=1.0).learn(batch)
    assert whole.change["in_band"] == 1.0


def test_a_round_without_a_solution_changes_nothing(given_trees):
    policy = copy.deepcopy(given_trees[0])
    before = copy.deepcopy(policy.state_dict())
    lost = [
        replace(e, ends=tuple(replace(leaf, facts={"success": False}) for leaf in e.ends))
        for e in given_trees[1].episodes
    ]
    (update,) = learner(policy).learn(Batch(lost))
    assert update.after == 1 and update.change["solutions"] == 0
    assert all(torch.equal(before[k], v) for k, v in policy.state_dict().items())


def test_a_plateau_starts_over_from_the_beginning_with_what_was_found(given_trees):
    """After a stall the weights are those of one fit, from the start, of the shortest solutions in the hard band."""
    policy, batch = copy.deepcopy(given_trees[0]), given_trees[1]
    one = learner(policy, patience=2, again=1)
    changes = [one.learn(batch)[0].change for _ in range(4)]
    assert [c["restarted"] for c in changes] == [0, 0, 0, 1] and one.rates == []
    assert max(len(v) for v in one.solutions.held.values()) == 1
    moved = [float((a - b).abs().max()) for a, b in zip(policy.parameters(), given_trees[0].parameters(), strict=True)]
    steady = learner(copy.deepcopy(given_trees[0]))
    for _ in range(4):
        steady.learn(batch)
    far = [
        float((a - b).abs().max()) for a, b in zip(steady.policy.parameters(), given_trees[0].parameters(), strict=True)
    ]
    assert 0 < np.mean(moved) < np.mean(far)


def test_saved_and_loaded_it_goes_on_bit_for_bit(given_trees, tmp_path):
    policy, batch = copy.deepcopy(given_trees[0]), given_trees[1]
    one = learner(policy, patience=1, again=1)
    for _ in range(3):
        one.learn(batch)
    one.save(tmp_path)
    twin = learner(copy.deepcopy(policy), patience=1, again=1)
    twin.load(tmp_path)
    for each in (one, twin):
        each.learn(batch)
        each.learn(batch)
    assert one.rates == twin.rates and one.restarts == twin.restarts > 0
    assert all(torch.equal(a, b) for a, b in zip(policy.parameters(), twin.policy.parameters(), strict=True))
