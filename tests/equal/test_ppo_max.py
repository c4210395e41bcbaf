"""PPO-max, line by line of its sheet's "Must hold" (specs/learn/ppo_max)."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_play import batch_of, credit_of, nano, sample
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import CreditTable
from turnwise.credit import CreditInput
from turnwise.credit.token_gae import TokenGae
from turnwise.learn.credited import credit_table
from turnwise.learn.running import Running
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.recipes import RECIPES
from turnwise.recipes.base import Setup
from turnwise.recipes.ppo_max import Scored, build_ppo_max, scaled, steady_step
from turnwise.worlds import make

# --- scores ---


def test_worked_scaling():
    seen = Running()
    seen.note([1.0, 3.0])
    assert seen.std == pytest.approx(1.41421, abs=1e-5) and 3.0 / seen.std == pytest.approx(2.1213, abs=1e-4)


def test_constant_scores_divide_by_one():
    seen = Running()
    for _ in range(3):
        seen.note([0.1] * 7)
    assert seen.std == 1.0 and Running().std == 1.0


@given(st.lists(st.lists(st.floats(-100, 100), max_size=5), max_size=6))
def test_batches_together_are_the_whole(batches):
    seen, every = Running(), np.concatenate([np.zeros(0), *batches])
    for batch in batches:
        seen.note(batch)
    assert seen.count == len(every)
    if len(every) > 1 and every.std() > 1e-3:
        assert seen.mean == pytest.approx(every.mean(), abs=1e-9) and seen.std == pytest.approx(every.std(ddof=1))


def test_what_is_kept_goes_on_to_the_last_bit(tmp_path):
    seen, again = Running(), Running()
    seen.note([0.1, 0.7, 1 / 3])
    seen.save(tmp_path / "scores.json")
    again.load(tmp_path / "scores.json")
    assert again == seen


# --- reward and penalty ---


def told(rewards=(0.5, 2.0), penalties=None, values=0.0):
    """One episode of two turns, of two tokens and three of which the last was forced."""
    return CreditInput(
        list(rewards),
        [0, 2],
        [True],
        token_starts_T1=[0, 2, 5],
        token_mask_N=[True, True, True, True, False],
        token_values_N=np.full(5, values),
        token_rewards_N=penalties,
    )


def test_the_score_sits_at_the_last_token_and_the_penalty_at_every_one():
    """With gamma = 1 and lambda = 0 and a critic that says 0, credit is the reward of the token itself."""
    penalties = np.array([-0.1, -0.2, -0.3, -0.4, 0.0])
    rule = Scored(TokenGae(gamma=1.0, lam=0.0), divide=0.5)
    found = rule.assign(told(penalties=penalties))
    assert found.credit == pytest.approx([-0.1, -0.2, -0.3, -0.4 + 2.5 / 0.5, 0.0])
    assert rule.assign(told()).credit == pytest.approx([0, 0, 0, 5.0, 0])
    assert found.token_targets_N == pytest.approx(found.credit)


def test_scores_and_advantages_can_be_cut():
    rule = Scored(TokenGae(gamma=1.0, lam=1.0), clip=2.0)
    assert rule.assign(told()).credit == pytest.approx([2.0, 2.0, 2.0, 2.0, 0.0])
    cut = dataclasses.replace(rule, cut=0.5).assign(told())
    assert cut.credit == pytest.approx([0.5] * 4 + [0.0]) and cut.token_targets_N == pytest.approx([2.0] * 4 + [0.0])
    seen = Running()
    seen.note([1.0, 3.0])
    assert scaled(rule, "norm", seen).assign(told()).credit[0] == pytest.approx((2.5 - 2.0) / 2**0.5)
    assert scaled(rule, "raw", seen) is rule


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8), st.floats(0.01, 100))
def test_scaling_leaves_the_order_of_advantages(returns, divide):
    count = len(returns)
    x = CreditInput(
        returns,
        np.arange(count + 1),
        [True] * count,
        token_starts_T1=np.arange(count + 1),
        token_values_N=[0.0] * count,
    )
    plain, found = (Scored(TokenGae(), divide=d).assign(x).credit for d in (1.0, divide))
    assert found * divide == pytest.approx(plain)


def test_penalties_reach_the_tokens_of_real_episodes():
    policy = nano("maze", value_head=True)
    episodes, _ = sample(policy, make("maze"), 4)
    learner = PolicyGradient(policy, PolicyGradientSettings(reference=True), 0)
    rows = learner.rows(episodes)
    far = learner.from_reference(rows)
    assert max(np.abs(d).max() for d in far) < 1e-4, "it starts at its reference"
    marks = [np.where(row.loss, np.arange(len(row)), 0).astype(float) for row in rows]
    rule = Scored(TokenGae(gamma=1.0, lam=0.0), divide=np.inf)
    plain = credit_table(rule, episodes, rows, learner.values(rows))
    marked = credit_table(rule, episodes, rows, learner.values(rows), penalties=marks)
    for row, mark in zip(rows, marks, strict=True):
        for span in row.spans:
            gap = marked.values[row.episode][span.turn] - plain.values[row.episode][span.turn]
            assert gap == pytest.approx(mark[span.start : span.end])


def test_without_a_reference_there_is_no_distance_to_it():
    with pytest.raises(TurnwiseError, match="reference=True"):
        PolicyGradient(nano("maze"), PolicyGradientSettings(value=0.0), 0).from_reference([])


# --- the step and its monitors ---

MONITORS = {
    "kl", "perplexity", "start_perplexity", "episode_tokens", "clip_fraction", "value_clip_fraction", "value_explained",
    "entropy", "gradient_norm",
}  # fmt: skip
SWITCHES = [
    {},
    {"score": "norm"},
    {"score": "raw"},
    {"score_clip": 1.0},
    {"kl_reward": 0.0},
    {"score": "raw", "whiten": "tokens"},
    {"advantage_clip": 0.5},
    {"value_clip": 0.0},
    {"entropy": 0.01, "entropy_target": 0.5},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_every_switch_can_be_turned_on_alone_with_the_same_monitors(switches):
    recipe, world = RECIPES.get("ppo-max"), make("work-submit")
    setup = Setup(world, recipe.resolve({"demos": 0, **switches}), "scratch:nano", 0)
    (improve,) = (stage for stage in build_ppo_max(setup).stages if stage.name == "improve")
    policy = nano("work-submit", value_head=True)
    episodes, _ = sample(policy, world, 4, max_new=6)
    learner = PolicyGradient(policy, steady_step(setup), 0)
    table = improve.credit(learner, episodes, [])
    (update,) = learner.learn(batch_of(episodes, table))
    assert set(update.change) >= MONITORS and np.isfinite(list(update.change.values())).all()


def test_what_divides_twice_is_refused():
    recipe = RECIPES.get("ppo-max")
    for settings, error in (({"score": "norm", "whiten": "tokens"}, TurnwiseError), ({"score": "scal"}, UnknownName)):
        with pytest.raises(error):
            build_ppo_max(Setup(make("maze"), recipe.resolve(settings), "scratch:nano", 0))


def with_targets(table):
    return dataclasses.replace(table, targets=[[3 * v + 1 for v in values] for values in table.values])


def test_at_the_first_step_nothing_is_clipped():
    policy = nano("maze", value_head=True)
    episodes, _ = sample(policy, make("maze"), 4)
    learner = PolicyGradient(policy, PolicyGradientSettings(minibatches=1, value_clip=0.2), 0)
    (update,) = learner.learn(batch_of(episodes, with_targets(credit_of(episodes))))
    assert update.change["clip_fraction"] == update.change["value_clip_fraction"] == 0.0


@pytest.mark.parametrize(("target", "sign"), [(0.0, -1), (9.0, 1)])
def test_entropy_is_led_to_its_target(target, sign):
    policy = nano("maze")
    how = PolicyGradientSettings(lr=1e-3, warmup=1, value=0.0, entropy=1.0, entropy_target=target, minibatches=1)
    learner = PolicyGradient(policy, how, 0)
    found = []
    for number in range(4):
        episodes, _ = sample(policy, make("maze"), 8, round=number)
        table = CreditTable("none", "turn", [[0.0] * len(e.turns) for e in episodes])
        found.append(learner.learn(batch_of(episodes, table))[0].change["entropy"])
    assert sign * (found[-1] - found[0]) > 0.02


def rounds_of_length(kl_reward, count=6):
    """What the monitors show when every token said is paid."""
    policy, world = nano("maze", value_head=True), make("maze")
    how = PolicyGradientSettings(lr=1e-3, warmup=1, minibatches=1, reference=True)
    learner = PolicyGradient(copy.deepcopy(policy), how, 0)
    changes = []
    for number in range(count):
        episodes, _ = sample(learner.policy, world, 12, turns=2, max_new=16, round=number)
        rows = learner.rows(episodes)
        paid = [0.1 * row.loss - kl_reward * far for row, far in zip(rows, learner.from_reference(rows), strict=True)]
        rule = Scored(TokenGae(whiten="none"), divide=np.inf)
        table = credit_table(rule, episodes, rows, learner.values(rows), penalties=paid)
        changes.append(learner.learn(batch_of(episodes, table))[0].change)
    return changes


def test_a_reward_of_length_shows_in_the_monitors_and_a_price_on_leaving_holds_it():
    free, held = rounds_of_length(0.0), rounds_of_length(3.0)
    assert free[-1]["episode_tokens"] > 1.1 * free[0]["episode_tokens"] and free[-1]["kl"] > 3 * free[1]["kl"]
    assert free[-1]["start_perplexity"] > free[-1]["perplexity"]
    assert held[-1]["kl"] < 0.5 * free[-1]["kl"]
