"""ReST-MCTS*: the guided search and its two learners (specs/learn/rest_mcts). The inferred values themselves are tested
with the other credit rules.
"""

from __future__ import annotations

import asyncio
import copy
import math

import numpy as np
import pytest
import torch

from made_play import nano
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, End
from turnwise.explore import Table
from turnwise.explore.tree_search import TreeSearch
from turnwise.explore.value_search import ValueSearch
from turnwise.learn.process import lessons, siblings_ranked, visited_states
from turnwise.learn.solved import succeeded
from turnwise.learn.weights.imitation import ImitationSettings
from turnwise.learn.weights.process_values import ProcessValues
from turnwise.learn.weights.rest_mcts import RestMcts, RestMctsSettings
from turnwise.plan.mcts_star import Guess, Search, Star, backup, star_search
from turnwise.worlds import make

MOVES = ("move left\n", "move right\n", "move up\n", "move down\n")


def wander(view, rng):
    return str(rng.choice(MOVES))


def trees(explorer, tasks=4, max_steps=8):
    world = make("maze", layout="umaze", max_steps=max_steps)
    table = Table(world, {"agent": ScriptedAgent(wander)}, 0)
    return world, table.collect(explorer, world.tasks("train")[:tasks])


class Digits:
    """Four digits below 3; the value of a beginning is how much of 2, 1, 2, 0 it agrees with, in quarters."""

    goal = (2, 1, 2, 0)

    def __init__(self):
        self.valued: list[tuple[int, ...]] = []

    async def some(self, place, width):
        return () if len(place) == 4 else tuple(range(width))

    async def step(self, place, move):
        return (*place, move), 0.0

    async def value(self, place):
        self.valued.append(place)
        return sum(a == b for a, b in zip(place, self.goal, strict=False)) / 4


# --- the search ---


def test_the_worked_backup():
    parent = Guess("p", 0.0, children={0: Guess("a", 0.6, 3), 1: Guess("b", 0.2, 1), 2: Guess("c", 0.9, 0)})
    backup([parent])
    assert parent.value == pytest.approx(0.5) and parent.visits == 1


def test_the_worked_selection():
    search = Search(Digits(), Star(c=1.0))
    bound, _ = search.bound(Guess("c", 0.5, 2), Guess("p", 0.0, 8))
    assert bound == pytest.approx(1.94203, abs=1e-5)


def test_unvisited_children_come_first_unless_their_bonus_is_small():
    """With the repository's bonus of 1.0 a visited child of a high value can win; with infinity never."""
    parent = Guess("p", 0.0, 4, {0: Guess("seen", 0.95, 3), 1: Guess("new", 0.0, 0)})
    assert Search(Digits(), Star()).select(parent)[-1].place == "new"
    assert Search(Digits(), Star(unvisited=1.0)).select(parent)[-1].place == "seen"


def test_a_guided_search_walks_to_the_goal():
    """Of 81 ends the values lead to the right one."""
    tree = asyncio.run(star_search(Digits(), (), Star(20, c=0.1)))
    found = next(node for node in tree.all() if node.place == Digits.goal)
    assert found.value == 1.0 and max(tree.all(), key=lambda node: (len(node.place), node.value)) is found


def test_a_finished_place_of_enough_value_ends_the_search():
    run = asyncio.run(star_search(Digits(), (), Star(500)))
    assert run.visits < 100
    assert asyncio.run(star_search(Digits(), (), Star(60, gate=2.0))).visits == 60


def test_without_weight_the_rollout_has_no_say():
    """a = 0 gives the tree of a search that never looks ahead, and asks for fewer values."""
    nothing, none = Digits(), Digits()
    one = asyncio.run(star_search(nothing, (), Star(9, a=0.0)))
    other = asyncio.run(star_search(none, (), Star(9, ahead=0)))
    shape = [[(n.place, n.value, n.visits) for n in tree.all()] for tree in (one, other)]
    assert shape[0] == shape[1] and nothing.valued == none.valued
    looked = Digits()
    asyncio.run(star_search(looked, (), Star(9)))
    assert len(looked.valued) > len(nothing.valued)


def test_a_rollout_lifts_a_new_place_by_its_share_of_the_best_it_saw():
    search = Search(Digits(), Star(a=0.5, ahead=3, candidates=3))
    node = Guess((2,), 0.25)
    asyncio.run(search.rollout(node))
    assert node.value == pytest.approx(0.5 * 0.25 + 0.5 * 1.0)


def test_values_are_means_of_visits_and_stay_in_range():
    tree = asyncio.run(star_search(Digits(), (), Star(40, gate=2.0)))
    for node in tree.all():
        assert 0.0 <= node.value <= 1.0
        below = [child for child in (node.children or {}).values() if child.visits]
        if below:
            assert node.value == pytest.approx(sum(c.visits * c.value for c in below) / sum(c.visits for c in below))
            assert node.visits >= sum(child.visits for child in below)


def test_what_cannot_be_searched_is_refused():
    for settings in ({"simulations": 0}, {"width": 0}, {"a": 1.5}, {"c": -1.0}):
        with pytest.raises(TurnwiseError):
            Star(**settings)


# --- as an explorer ---


def test_its_trees_are_whole_and_follow_the_critic():
    """A critic that praises the upper row keeps the search there."""
    asked = []

    def worth(view):
        asked.append(view.messages[-1].text)
        return 1.0 if "position 1," in asked[-1].split("Your current")[1] else 0.0

    _, found = trees(ValueSearch(worth, Star(10, 4, c=0.1, ahead=2, gate=2.0)))
    assert asked
    for tree in found:
        assert {leaf.turn for leaf in tree.ends} == set(range(len(tree.turns))) - {t.parent for t in tree.turns}
        assert {leaf.end for leaf in tree.ends} <= {End.DONE, End.TURNS}
        said = [(t.parent, t.message.text) for t in tree.turns]
        assert len(set(said)) == len(said), "a turn is taken once"
    _, other = trees(ValueSearch(lambda view: 0.0, Star(10, 4, c=0.1, ahead=2, gate=2.0)))
    up = [np.mean([t.facts["position"][0] == 1 for e in side for t in e.turns]) for side in (found, other)]
    assert up[0] > up[1]


# --- what the critic is taught ---


@pytest.fixture(scope="module")
def batch():
    _, found = trees(TreeSearch(24, 3))
    assert any(succeeded(t, n) for t in found for n in range(len(t.ends)))
    return Batch(found)


def test_lessons_are_the_inferred_values_of_what_was_read(batch):
    policy = nano("maze")
    visited = visited_states(batch.episodes, policy.chat)
    assert visited and all(0.0 <= v.value <= 1.0 and v.depth >= 1 for v in visited)
    right = [t for t in batch.episodes if any(succeeded(t, n) for n in range(len(t.ends)))]
    shown = {t.turns[i].seen[-1].text for t in right for i in range(len(t.turns))}
    assert len(visited) < sum(len(t.turns) for t in right), "ends of the world are read by nobody"
    assert any(any(text.strip() in policy.chat.decode(v.ids.tolist()) for text in shown) for v in visited)
    made = lessons(visited)
    assert made.weight_S.sum() == pytest.approx(1.0) and len(made.ids) < len(visited)
    deep = max(v.depth for v in visited)
    by_depth = {d: [v for v in visited if v.depth == d] for d in range(1, deep + 1)}
    mean = np.mean([np.mean([v.value for v in of]) for of in by_depth.values() if of])
    assert made.weight_S @ made.target_S == pytest.approx(mean), "every depth weighs alike"


def test_without_a_right_end_there_is_no_lesson(batch):
    lost = [t for t in batch.episodes if not any(succeeded(t, n) for n in range(len(t.ends)))]
    assert visited_states(lost, nano("maze").chat) == []


def test_siblings_are_ranked(batch):
    visited = visited_states(batch.episodes, nano("maze").chat)
    truth = np.array([v.value for v in visited])
    assert siblings_ranked(visited, truth) > 0.95
    assert siblings_ranked(visited, -truth) < 0.05 and siblings_ranked(visited, 0 * truth) == 0.5
    assert siblings_ranked([], np.zeros(0)) is None


# --- the learners ---


def learner(policy, floor=0.0):
    values = ProcessValues(policy, 1e-3, 16, 4096, 0)
    return RestMcts(policy, values, RestMctsSettings(30, floor), ImitationSettings(batch=4, warmup=1), 0)


def test_a_round_teaches_both_and_the_critic_ranks_better(batch):
    policy = nano("maze")
    one = learner(policy)
    before = copy.deepcopy(policy.state_dict())
    (first,) = one.learn(batch)
    (second,) = one.learn(batch)
    assert (first.after, second.after) == (1, 2) == (1, policy.version)
    assert first.change["ranked"] == 0.5 < second.change["ranked"], "a new critic says the same everywhere"
    assert second.change["value_error"] < first.change["value_error"]
    assert any(not torch.equal(before[k], v) for k, v in policy.state_dict().items())
    assert first.change["kept"] == first.change["found"] > 0


def test_the_critic_leaves_the_policy_alone(batch):
    policy = nano("maze")
    before = copy.deepcopy(policy.state_dict())
    values = ProcessValues(policy, 1e-3, 16, 4096, 0)
    values.fit(lessons(visited_states(batch.episodes, policy.chat)), 5)
    assert all(torch.equal(before[k], v) for k, v in policy.state_dict().items())


def test_paths_that_the_critic_thinks_little_of_are_not_imitated(batch):
    policy = nano("maze")
    (update,) = learner(policy, floor=1.1).learn(batch)
    assert update.change["kept"] == 0 and update.change["found"] > 0 and update.after == policy.version == 1


def test_saved_and_loaded_it_goes_on_bit_for_bit(batch, tmp_path):
    policy = nano("maze")
    one = learner(policy)
    one.learn(batch)
    one.save(tmp_path)
    twin = learner(copy.deepcopy(policy))
    twin.load(tmp_path)
    for each in (one, twin):
        each.learn(batch)
    for a, b in ((one.policy, twin.policy), (one.values.network, twin.values.network)):
        assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_what_the_critic_says_is_a_share():
    policy = nano("maze")
    values = ProcessValues(policy, 1e-3, 16, 4096, 0)
    with torch.no_grad():
        values.network.value_head.bias.fill_(7.0)
    assert values.say([np.array([1, 2, 3], np.int32)]).tolist() == [1.0] and math.isfinite(values.steps)
