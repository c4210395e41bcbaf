"""Rules on critics and on the truth: ArCHer's Q minus V, SLIM's sum of normalised advantages, the oracle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_cases import batches, discounts, loop_gae, per_episode
from turnwise.core.errors import TurnwiseError
from turnwise.credit import CreditInput
from turnwise.credit.exact import Exact
from turnwise.credit.fitted_q import FittedQ, fitted_q
from turnwise.credit.multi_critic import SIGNALS, MultiCritic, critic_of, mixed, multi_critic
from turnwise.credit.turn_gae import TurnGae


def close(found, expected, atol=1e-9):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), atol=atol)


def told(**signals):
    """Two episodes of two turns and one turn, and what is said of the turns."""
    return CreditInput([0.0, 1.0, 0.0], [0, 2, 3], [True, True], signals_T=signals)


# --- Q minus V ---


def test_worked_twin_critics():
    x = told(q1=[0.6] * 3, q2=[0.7] * 3, v1=[0.5] * 3, v2=[0.4] * 3)
    close(FittedQ().assign(x).credit, [0.2] * 3)
    close(FittedQ(centre=True).assign(x).credit, [0.0] * 3)


@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 4), max_size=9), st.booleans())
def test_fitted_q_against_the_loop(said, centre):
    q1, q2, v1, v2 = np.array(said).reshape(-1, 4).T
    expected = np.array([min(a, b) - min(c, d) for a, b, c, d in said])
    close(fitted_q([q1, q2], [v1, v2], centre), expected - (expected.mean() if centre and len(expected) else 0.0))


def test_a_critic_that_tells_no_action_from_another_changes_nothing():
    v = [0.3, -0.2, 0.9]
    assert not FittedQ(q=("v",), v=("v",)).assign(told(v=v)).credit.any()


def test_exact_values_make_the_oracle_of_both():
    q, v = [0.5, 1.0, 0.2], [0.4, 0.7, 0.4]
    x = told(q=q, v=v)
    close(Exact().assign(x).credit, [0.1, 0.3, -0.2])
    close(FittedQ(q=("q",), v=("v",)).assign(x).credit, [0.1, 0.3, -0.2])


def test_the_oracle_is_the_one_step_error_of_exact_values_where_nothing_is_left_to_chance():
    """Values .7 then 1 on the way to a reward of 1: the first turn gained .3, the second nothing."""
    x = replace(told(q=[1.0, 1.0, 0.0], v=[0.7, 1.0, 0.6]), values_T=[0.7, 1.0, 0.6])
    close(Exact().assign(x).credit, TurnGae(gamma=1.0, lam=0.0).assign(x).credit)


def test_critics_must_be_named():
    with pytest.raises(TurnwiseError, match="at least one critic"):
        FittedQ(q=())
    with pytest.raises(TurnwiseError, match="fitted-q reads the signal 'q2' of every turn"):
        FittedQ().assign(told(q1=[0] * 3, v1=[0] * 3, v2=[0] * 3))


# --- several critics ---


def test_worked_mix():
    first, second = np.array([1.0, -1, 0]), np.array([10.0, 0, -10])
    close(mixed([first], [1.0]), [1.2247, -1.2247, 0], atol=1e-4)
    close(mixed([first, second], [1.0, 1.0]), [2.4495, -1.2247, -1.2247], atol=1e-4)
    close(mixed([first, second], [1.0, 0.0]), mixed([first], [1.0]))


@st.composite
def rewarded(draw):
    """A batch with K rewards, their critics, and what the critics say after cut episodes."""
    batch = draw(batches(least_turns=1))
    count = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    turns, episodes = len(batch["rewards_T"]), len(batch["done_E"])
    rewards, values = rng.normal(size=(2, count, turns)).round(2)
    after = np.where(batch["done_E"], 0.0, rng.normal(size=(count, episodes)).round(2))
    weights = rng.choice([0.0, 0.5, 1.0], count)
    return rewards, values, batch["starts_E1"], after, weights


@settings(max_examples=50)
@given(rewarded(), discounts, discounts)
def test_multi_critic_against_the_loop(case, gamma, lam):
    rewards, values, starts, after, weights = case
    credit, targets = multi_critic(*case, gamma=gamma, lam=lam)
    expected = np.zeros(starts[-1])
    for r, v, a, w, told in zip(rewards, values, after, weights, targets, strict=True):
        pieces = zip(per_episode(r, starts), per_episode(v, starts), a, strict=True)
        advantages = np.array([x for rs, vs, b in pieces for x in loop_gae(rs, vs, False, b, gamma, lam)])
        expected += w * (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        close(told, advantages + v)  # every critic learns, in its own unit, whatever its weight
    close(credit, expected, atol=1e-5)
    assert credit.sum() == pytest.approx(0, abs=1e-6)


@settings(max_examples=50)
@given(rewarded(), st.sampled_from([0.01, 3.0, 100.0]), discounts)
def test_the_scale_of_a_reward_has_no_say_and_its_targets_keep_it(case, scale, lam):
    rewards, values, starts, after, weights = case
    factors = np.ones((len(rewards), 1))
    factors[0] = scale
    credit, targets = multi_critic(*case, lam=lam)
    scaled, told = multi_critic(rewards * factors, values * factors, starts, after * factors, weights, lam=lam)
    close(scaled, credit, atol=1e-3)
    close(told, targets * factors, atol=1e-6)


@given(rewarded(), discounts, discounts)
def test_one_reward_is_whitened_turn_gae(case, gamma, lam):
    rewards, values, starts, after, _ = case
    credit, _ = multi_critic(rewards[:1], values[:1], starts, after[:1], [1.0], gamma, lam)
    cut = np.zeros(len(starts) - 1, bool)
    x = CreditInput(rewards[0], starts, cut, values_T=values[0], bootstrap_E=after[0])
    close(credit, TurnGae(gamma, lam, whiten="turns").assign(x).credit, atol=1e-6)


def test_a_constant_signal_says_nothing_and_a_rare_one_can_be_kept_small():
    constant, rare = np.full(8, 0.1), np.array([0, 0, 0, 0, 0, 0, 0, -0.01])
    assert not mixed([constant], [1.0]).any()
    assert np.abs(mixed([rare], [1.0])).max() > 2.6
    assert np.abs(mixed([rare], [1.0], least_std=1.0)).max() < 0.01


def of_signals(done):
    turns = {name: [0.1 * k, 0.5, 0.2] for k, name in enumerate(SIGNALS)}
    turns |= {critic_of(name): [0.0, 0.1, 0.3] for name in SIGNALS}
    return CreditInput([0.0, 1.0, 0.0], [0, 2, 3], done, signals_T=turns)


def test_only_a_cut_asks_the_critics_what_would_have_followed():
    over = MultiCritic().assign(of_signals([True, True]))
    with pytest.raises(TurnwiseError, match="multi-critic reads the signal 'reach-value' of every episode"):
        MultiCritic().assign(of_signals([True, False]))
    after = {critic_of(name): [99.0, 0.0] for name in SIGNALS}
    close(MultiCritic().assign(replace(of_signals([True, False]), signals_E=after)).credit, over.credit)
    after = {critic_of(name): [99.0, 0.7] for name in SIGNALS}
    found = MultiCritic().assign(replace(of_signals([True, False]), signals_E=after)).credit
    assert found[2] - over.credit[2] > 0.1  # 99 belongs to the finished episode: not read


def test_weights_belong_to_signals():
    with pytest.raises(TurnwiseError, match="3 weights for the signals reach"):
        MultiCritic(signals=("reach",))
    x = of_signals([True, True])
    alone = MultiCritic(signals=("reach",), weights=(1.0,)).assign(x).credit
    close(MultiCritic(weights=(1.0, 0.0, 0.0)).assign(x).credit, alone)
