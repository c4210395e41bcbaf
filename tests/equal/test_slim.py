"""Several critics from the world's rewards to the weights, line by line of the sheet's "Must hold"
(specs/learn/slim_multi_critic); the rule itself is tested in test_credit_critics.py.
"""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from made_play import apart, batch_of, gradients_of, nano, sample
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.credit.multi_critic import MultiCritic
from turnwise.credit.shaping import with_rewards
from turnwise.credit.turn_gae import TurnGae
from turnwise.feedback.components import Components
from turnwise.learn.credited import credit_table
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.models.policy import Policy
from turnwise.models.value_head import ValueHead
from turnwise.recipes import RECIPES
from turnwise.recipes.base import Setup
from turnwise.recipes.slim import build_slim
from turnwise.worlds import make

WORLD = make("loop-grid")
NAMES = WORLD.rewards


@pytest.fixture(scope="module")
def walked():
    """Episodes of a policy with three value heads that say different things; most are cut after eight turns."""
    policy = nano("loop-grid", value_head=3)
    with torch.no_grad():
        policy.value_head.weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(0))
        policy.value_head.bias.copy_(torch.tensor([0.2, 1.0, -3.0]))
    episodes, _ = sample(policy, WORLD, 12, turns=8, max_new=8)
    return policy, episodes


def laid(walked, units=None, weights=(1.0, 1.0, 1.0), **how):
    policy, episodes = walked
    learner = PolicyGradient(policy, PolicyGradientSettings(), 0)
    rows = learner.rows(episodes)
    signals = asyncio.run(Components(WORLD, units or {}).judge(episodes))
    return credit_table(MultiCritic(NAMES, weights, **how), episodes, rows, learner.values(rows), signals)


def flat(values):
    return np.concatenate([np.asarray(v, float) for v in values])


# --- rewards by name ---


def test_the_rewards_of_a_walk_by_name(walked):
    """Goal sums to the return; nearer telescopes to the way gained; bump is -1 where a place comes again at once."""
    _, episodes = walked
    for episode in episodes:
        found = WORLD.components(episode)
        cells = [(p.x, p.y) for p in WORLD.points(episode)]
        assert set(found) == set(NAMES) and found["goal"].sum() == episode.total()
        assert 0 <= 6 - found["nearer"].sum() <= 6
        assert found["bump"][:-1].tolist() == [-float(a == b) for a, b in zip(cells, cells[1:], strict=False)]
    signals = asyncio.run(Components(WORLD, {"bump": 100.0}).judge(episodes))
    assert {s.value for s in signals if s.name == "bump"} == {0.0, -100.0}
    assert len(signals) == 3 * sum(len(e.turns) for e in episodes)


def test_a_world_with_one_reward_pays_it_by_turn():
    world = make("maze", max_steps=4)
    episodes, _ = sample(nano("maze"), world, 3)
    for episode in episodes:
        (earned,) = world.components(episode).values()
        assert earned.tolist() == [turn.rewards["agent"] for turn in episode.turns]


# --- credit ---


def test_every_critic_has_a_table_of_its_own_and_the_policy_learns_from_their_mix(walked):
    table = laid(walked)
    assert table.targets is None and [c.name for c in table.critics] == [f"multi-critic: {name}" for name in NAMES]
    normed = [flat(c.values) for c in table.critics]
    normed = [(a - a.mean()) / a.std() for a in normed]
    assert flat(table.values) == pytest.approx(sum(normed), abs=1e-4)
    assert flat(table.values).sum() == pytest.approx(0.0, abs=1e-6)


def test_targets_are_in_each_rewards_own_unit_with_a_cut_bootstrapped_by_its_own_critic(walked):
    """Each table is turn GAE of that reward with that head, as if it were the only one."""
    policy, episodes = walked
    table = laid(walked)
    for k, name in enumerate(NAMES):
        one = copy.deepcopy(policy)
        head = ValueHead(policy.value_head.weight.shape[1])
        with torch.no_grad():
            head.weight.copy_(policy.value_head.weight[k : k + 1])
            head.bias.copy_(policy.value_head.bias[k : k + 1])
        one.value_head = head
        learner = PolicyGradient(one, PolicyGradientSettings(), 0)
        rows = learner.rows(episodes)
        paid = [WORLD.components(e)[name] for e in episodes]
        alone = credit_table(Paid(TurnGae(0.99, 0.95), np.concatenate(paid)), episodes, rows, learner.values(rows))
        assert flat(table.critics[k].values) == pytest.approx(flat(alone.values), abs=1e-5)
        assert flat(table.critics[k].targets) == pytest.approx(flat(alone.targets), abs=1e-5)


class Paid:
    """A rule on other rewards than the world's."""

    def __init__(self, rule, rewards):
        self.rule, self.rewards, self.name, self.needs = rule, rewards, rule.name, rule.needs

    def assign(self, x):
        return self.rule.assign(with_rewards(x, self.rewards))


def test_the_unit_of_a_reward_has_no_say_in_the_mix(walked):
    """Times 100, its critic with it: the same credit; the critic's targets are 100 times larger."""
    policy, episodes = walked
    scaled = copy.deepcopy(policy)
    with torch.no_grad():
        scaled.value_head.weight[2] *= 100
        scaled.value_head.bias[2] *= 100
    plain, other = laid(walked), laid((scaled, episodes), {"bump": 100.0})
    assert flat(other.values) == pytest.approx(flat(plain.values), abs=1e-3)
    assert flat(other.critics[2].targets) == pytest.approx(100 * flat(plain.critics[2].targets), rel=1e-3, abs=1e-2)


def test_a_reward_without_weight_moves_no_word_and_its_critic_still_learns(walked):
    policy, episodes = walked
    table = laid(walked, weights=(1.0, 1.0, 0.0))
    assert flat(table.values) == pytest.approx(
        flat(laid(walked, {"bump": 7.0}, weights=(1.0, 1.0, 0.0)).values), abs=1e-9
    )
    learner = PolicyGradient(copy.deepcopy(policy), PolicyGradientSettings(minibatches=1), 0)
    (found,) = gradients_of(learner, batch_of(episodes, table))
    of_bias = found[-3:]
    assert len(of_bias) == 3 and bool(of_bias.abs().min() > 1e-4)


# --- learning ---


def test_every_head_begins_at_the_mean_of_its_own_targets_and_goes_on_from_there(walked):
    """Whatever the unit of a reward; steps then bring each head closer to what it is told."""
    _, episodes = walked
    policy = nano("loop-grid", value_head=3)
    learner = PolicyGradient(policy, PolicyGradientSettings(tolerance=9.0), 0)
    rows = learner.rows(episodes)
    signals = asyncio.run(Components(WORLD, {"bump": 100.0}).judge(episodes))
    table = credit_table(MultiCritic(NAMES), episodes, rows, learner.values(rows), signals)
    told = np.stack([flat(critic.targets) for critic in table.critics], 1)
    still = PolicyGradient(copy.deepcopy(policy), PolicyGradientSettings(lr=1e-9, tolerance=9.0), 0)
    (update,) = still.learn(batch_of(episodes, table))
    said = (still.policy.value_head.bias * still.policy.value_head.scale).tolist()
    assert said == pytest.approx(told.mean(0).tolist(), rel=1e-4, abs=1e-6)
    how = PolicyGradientSettings(lr=1e-3, warmup=1, epochs=20, minibatches=1, value=5.0, tolerance=9.0)
    (later,) = PolicyGradient(policy, how, 0).learn(batch_of(episodes, table))
    assert later.change["value_explained"] > update.change["value_explained"] - 1e-3


def test_one_critic_in_a_table_of_its_own_is_the_critic_of_old(walked):
    """K = 1: the gradient is that of a table with targets."""
    _, episodes = walked
    policy = nano("loop-grid", value_head=True)
    learner = PolicyGradient(policy, PolicyGradientSettings(minibatches=1, tolerance=9.0), 0)
    rows = learner.rows(episodes)
    signals = asyncio.run(Components(WORLD).judge(episodes))
    table = credit_table(MultiCritic(("nearer",), (1.0,)), episodes, rows, learner.values(rows), signals)
    (own,) = table.critics
    assert (
        apart(
            *(
                gradients_of(learner, batch_of(episodes, t))[0]
                for t in (table, replace(table, critics=(), targets=own.targets))
            )
        )
        < 1e-6
    )


def test_checkpoints_keep_all_heads(walked, tmp_path):
    policy, _ = walked
    policy.save(tmp_path)
    again = Policy.load(tmp_path)
    assert again.critics == 3 and torch.equal(again.value_head.weight, policy.value_head.weight)


def test_heads_and_critics_must_agree(walked):
    policy, episodes = walked
    learner = PolicyGradient(policy, PolicyGradientSettings(), 0)
    rows = learner.rows(episodes)
    with pytest.raises(TurnwiseError, match="3 value heads and a rule with 1 critics"):
        credit_table(TurnGae(), episodes, rows, learner.values(rows))


def test_the_recipe_knows_the_rewards_of_its_world():
    recipe = RECIPES.get("slim")
    setup = Setup(WORLD, recipe.resolve({"demos": 0, "large": "bumps"}), "scratch:nano", 0)
    with pytest.raises(UnknownName, match="did you mean 'bump'"):
        build_slim(setup)
