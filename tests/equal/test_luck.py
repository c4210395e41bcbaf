"""Multi-turn DPO where answers are random (specs/learn/multi_turn_dpo_kto): the identity on worlds that are tables,
the margin that knows the luck, and the mixture of two policies.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch

import turnwise
from made_play import nano, sample
from turnwise.agents.spec import expert
from turnwise.core.cursor import Limits
from turnwise.core.errors import TurnwiseError, WrongPairing
from turnwise.core.types import Batch, End
from turnwise.explore import Grouped, Independent, Table
from turnwise.explore.tree_search import TreeSearch
from turnwise.feedback.luck import NAME, Luck
from turnwise.learn.pairs import Pair, Side, pairs_of
from turnwise.learn.weights.dpo import Dpo
from turnwise.learn.weights.earlier import Earlier
from turnwise.learn.weights.preference import Preference, PreferenceSettings
from turnwise.learn.weights.sums import Sums
from turnwise.models.law import law_of
from turnwise.recipes.fair_dpo import with_luck
from turnwise.worlds import make
from turnwise.worlds.tabular import soften, solve
from turnwise.worlds.tabular_world import TabularWorld
from turnwise.worlds.unfold import Outcome, unfold

ETA = 0.1


class State(NamedTuple):
    t: int
    side: int = 0


def rules(coin):
    """Two steps: after the first, a message says heads or tails (where there is a coin); heads will earn 1 more."""

    def step(state: State, action: int) -> list[Outcome]:
        if state.t == 0:
            chance = 0.5 if coin else 1.0
            return [Outcome(State(1, 1), chance), Outcome(State(1, 0), 1.0 - chance)]
        return [Outcome(None, 1.0, float(state.side) + 0.25 * action)]

    return step


class Coin(TabularWorld):
    name = "coin"
    turns = 2
    acts = ("a\n", "b\n")
    refusal = "no. "
    coin = True

    def problem(self):
        return unfold("coin", ("a", "b"), {"it": State(0)}, rules(self.coin), lambda state: state.side)

    @staticmethod
    def tell(point):
        return f"step {point.t}, side {point.side}\n"

    def lapse(self, point):
        return None if point.t else State(1, 1)


class Sure(Coin):
    name = "sure"
    coin = False


def even(world):
    return lambda views: np.full((len(views), len(world.acts)), 1.0 / len(world.acts))


def played(world, count=12, player="uniform"):
    table = Table(world, {"agent": expert(world, player)}, 0)
    return table.collect(Independent(), [world.tasks("train")[n % 16] for n in range(count)])


# --- the identity ---


def test_a_fixed_answer_is_no_luck():
    world = Sure()
    soft = world.soft(even(world), ETA)
    for episode in played(world):
        assert soft.luck(episode) == pytest.approx([0.0, 0.0])


def test_a_coin_is_half_of_what_hangs_on_it():
    """V after heads is 1 above V after tails, so C is 0.5 or -0.5."""
    world = Coin()
    soft = world.soft(even(world), ETA)
    found = {round(float(soft.luck(episode).sum()), 9) for episode in played(world)}
    assert found == {0.5, -0.5}


@pytest.mark.parametrize("name", ["loop-grid", "work-submit", "hidden-type", "key-corridor"])
def test_a_return_is_the_tilted_ratio_the_value_of_the_start_and_the_luck(name):
    """u = eta * sum log( best / ref ) + V(start) + C, on every path, whoever played it."""
    world = make(name)
    law = even(world)
    soft, apart = world.soft(law, ETA), []
    for episode in played(world, 16, "mid"):
        situations, acts = soft.places(episode)
        ratio = ETA * np.log(soft.policy[situations, acts] * len(world.acts))
        luck = soft.luck(episode)
        assert episode.total() == pytest.approx(ratio.sum() + soft.v[situations[0]] + luck.sum(), abs=1e-9)
        apart.append(np.abs(luck).max())
    assert (max(apart) > 1e-6) == world.random_observations


def test_the_tilted_policy_is_a_law_between_the_reference_and_the_best():
    table = make("loop-grid").played.bare
    reference = np.full((len(table.states), len(table.actions)), 1.0 / len(table.actions))
    near, far = (soften(table, reference, eta) for eta in (1e-3, 1e4))
    assert near.policy.sum(1) == pytest.approx(1.0) and far.policy == pytest.approx(reference, abs=1e-3)
    best, uniform = solve(table).v, solve(table, reference).v
    assert near.v == pytest.approx(best, abs=0.05) and far.v == pytest.approx(uniform, abs=1e-3)
    middle = soften(table, reference, 0.1).v
    assert (uniform - 1e-9 <= middle).all() and (middle <= best + 1e-9).all()


def test_a_path_that_was_cut_keeps_what_was_ahead_of_it():
    world = make("loop-grid")
    table = Table(world, {"agent": expert(world, "mid")}, 0, limits=Limits(turns=3))
    soft = world.soft(even(world), ETA)
    for episode in table.collect(Independent(), world.tasks("train")[:6]):
        situations, acts = soft.places(episode)
        (leaf,) = episode.ends
        ahead = soft.v[soft.number[3, leaf.seen["agent"][-1].text]] if leaf.end is End.TURNS else 0.0
        gained = soft.q[situations, acts] - soft.v[situations]
        assert soft.v[situations[0]] + gained.sum() + soft.luck(episode).sum() == pytest.approx(episode.total() + ahead)


def test_without_a_table_there_is_no_law():
    with pytest.raises(TurnwiseError, match="a world that is a table"):
        make("wordle").soft(lambda views: np.zeros((1, 1)), ETA)


# --- the margin ---


def test_the_luck_is_part_of_the_margin():
    """Log-ratios 3 and -3, beta 0.1: margin 0.6; a winner that was luckier by 1 must do without it."""
    sums = Sums(
        *(torch.tensor(x, dtype=torch.float64) for x in ([3.0, -3.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]))
    )
    pair = Pair(Side(0, 0, ()), Side(1, 0, ()))
    losses, numbers = Dpo(ETA).losses(sums, [replace(pair, luck=1.0)])
    assert numbers["margin"].item() == pytest.approx(1.6) and losses.item() == pytest.approx(np.log1p(np.exp(-1.6)))
    plain, _ = Dpo(ETA).losses(sums, [pair])
    assert plain.item() == pytest.approx(0.43749, abs=1e-5)


def test_at_the_tilted_policy_every_pair_has_the_margin_of_its_returns():
    world = make("loop-grid")
    soft = world.soft(even(world), ETA)
    episodes = played(world, 16, "mid")
    signals = asyncio.run(Luck(lambda: soft).judge(episodes))
    assert [s.name for s in signals] == [NAME] * 16 and {s.turn for s in signals} == {None}
    same = [replace(e, task=episodes[0].task) for e in episodes]
    pairs = with_luck(Batch(same, signals), np.random.default_rng(0), 50)
    assert len(pairs) == len(pairs_of(Batch(same), np.random.default_rng(0), 50)) >= 10
    assert any(abs(pair.luck) > 0.01 for pair in pairs)

    def ratio(side):
        situations, acts = soft.places(same[side.episode])
        return ETA * np.log(soft.policy[situations, acts] * len(world.acts)).sum()

    for pair in pairs:
        better, worse = (same[side.episode].total() for side in pair.sides)
        start = [soft.v[soft.places(same[s.episode])[0][0]] for s in pair.sides]
        assert start[0] == start[1]
        assert ratio(pair.better) - ratio(pair.worse) + pair.luck == pytest.approx(better - worse, abs=1e-9)


def test_every_path_of_a_tree_has_its_luck():
    world = make("loop-grid")
    table = Table(world, {"agent": expert(world, "mid")}, 0)
    (tree,) = table.collect(TreeSearch(6, 2), world.tasks("train")[:1])
    soft = world.soft(even(world), ETA)
    found = asyncio.run(Luck(lambda: soft).judge([tree]))
    assert [s.leaf for s in found] == list(range(len(tree.ends)))
    assert [s.value for s in found] == pytest.approx([soft.luck(tree, n).sum() for n in range(len(tree.ends))])


def test_a_network_is_the_reference_it_is():
    world, policy = make("key-corridor"), nano("key-corridor")
    soft = world.soft(law_of(policy, world.acts), ETA)
    assert soft.policy.sum(1) == pytest.approx(1.0, abs=1e-6)


def test_where_answers_are_fixed_there_is_nothing_to_correct():
    for world, how in (("maze", {}), ("loop-grid", {"reference": "start"})):
        with pytest.raises(WrongPairing, match="answers are random, and reference=round"):
            turnwise.train(world, "fair-dpo", model="scratch:nano", settings={"demos": 0, **how}, out="nowhere")


# --- two policies ---


def earning(episode, amount):
    """The same episode when its last turn earned so much."""
    *first, last = episode.turns
    return replace(episode, turns=(*first, replace(last, rewards={"agent": float(amount)})))


def test_the_policy_before_the_last_round_plays_a_share(tmp_path):
    settings = {
        "demos": 16, "demo_epochs": 1, "rounds": 2, "tasks": 2, "group": 2, "earlier": 3, "max_new": 5, "evaluate": 1,
        "turns": 3, "lr": 0.01,
    }  # fmt: skip
    run = turnwise.train(
        "maze", "dpo", model="scratch:nano", settings=settings, world_settings={"max_steps": 4}, out=tmp_path / "run"
    )
    found = [e for e in run.folder.episodes() if e.origin["stage"].startswith("improve")]
    versions = {(e.origin["round"], e.origin["stage"], t.version) for e in found for t in e.turns}
    assert versions == {
        (0, "improve", 1), (0, "improve earlier", 1), (1, "improve", 2), (1, "improve earlier", 1),
    }  # fmt: skip
    assert [sum(e.origin["stage"] == s for e in found) for s in ("improve", "improve earlier")] == [8, 12]


def test_the_earlier_policy_is_kept_with_the_checkpoint(tmp_path):
    policy = nano("maze")
    episodes, _ = sample(policy, make("maze", max_steps=3), 4, Grouped(4), turns=None)

    def learner():
        return Earlier(Preference(policy, Dpo(), pairs_of, PreferenceSettings(lr=0.01), 0), policy)

    one = learner()
    assert one.before is None
    weights = {name: w.clone() for name, w in policy.state_dict().items()}
    one.learn(Batch([earning(replace(e, task=episodes[0].task), n) for n, e in enumerate(episodes)]))
    assert all(torch.equal(weights[n], w) for n, w in one.before.state_dict().items())
    assert not all(torch.equal(weights[n], w) for n, w in policy.state_dict().items())
    one.save(tmp_path)
    two = learner()
    two.load(tmp_path)
    assert two.before.version == one.before.version == 0
    assert all(torch.equal(weights[n], w) for n, w in two.before.state_dict().items())
