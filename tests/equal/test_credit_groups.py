"""RLOO, GRPO and Dr. GRPO: worked numbers, the definitions as loops, what reduces to what, and exact unbiasedness."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_cases import starts_of
from turnwise.core.errors import TurnwiseError
from turnwise.credit.dr_grpo import DrGrpo, dr_grpo
from turnwise.credit.grpo import Grpo, grpo
from turnwise.credit.outcome import Outcome
from turnwise.credit.rloo import Rloo, rloo
from turnwise.credit.rule import CreditInput

ONE = np.zeros(4, dtype=int)
R = np.array([1.0, 0, 0, 0])


def test_worked_numbers():
    assert dr_grpo(R, ONE) == pytest.approx([0.75, -0.25, -0.25, -0.25])
    assert rloo(R, ONE) == pytest.approx([1, -1 / 3, -1 / 3, -1 / 3])
    assert grpo(R, ONE) == pytest.approx([1.5, -0.5, -0.5, -0.5], abs=1e-5)
    assert grpo(R, ONE, ddof=0) == pytest.approx([1.732, -0.577, -0.577, -0.577], abs=1e-3)
    six = np.array([1, 0.5, 0, 0, 0, 0])
    assert rloo(six, np.zeros(6, int)) == pytest.approx([0.9, 0.3, -0.3, -0.3, -0.3, -0.3])


@st.composite
def grouped(draw, least=2):
    """Returns and group ids of groups of unequal size, interleaved."""
    sizes = draw(st.lists(st.integers(least, 6), min_size=1, max_size=5))
    groups = np.repeat(draw(st.permutations(range(len(sizes)))), sizes) * 7 - 3
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rng.shuffle(groups)
    return rng.choice([-1.5, 0.0, 0.1, 0.25, 1.0], len(groups)), groups


@given(grouped())
def test_against_the_definitions(case):
    returns, groups = case
    for i, (r, g) in enumerate(zip(returns, groups, strict=True)):
        members = returns[groups == g]
        others = np.delete(members, np.flatnonzero(np.flatnonzero(groups == g) == i))
        assert rloo(returns, groups)[i] == pytest.approx(r - others.mean(), abs=1e-12)
        assert dr_grpo(returns, groups)[i] == pytest.approx(r - members.mean(), abs=1e-12)
        for ddof in (0, 1):
            z = (r - members.mean()) / (members.std(ddof=ddof) + 1e-6)
            assert grpo(returns, groups, ddof)[i] == pytest.approx(z, abs=1e-6)


@given(grouped())
def test_rloo_is_dr_grpo_times_g_over_g_minus_one(case):
    returns, groups = case
    sizes = np.array([np.sum(groups == g) for g in groups])
    np.testing.assert_allclose(rloo(returns, groups), dr_grpo(returns, groups) * sizes / (sizes - 1), atol=1e-12)


@given(grouped(), st.randoms(use_true_random=False))
def test_permuting_episodes_permutes_credit(case, random):
    returns, groups = case
    order = list(range(len(returns)))
    random.shuffle(order)
    for rule in (rloo, grpo, dr_grpo):
        np.testing.assert_allclose(rule(returns[order], groups[order]), rule(returns, groups)[order], atol=1e-9)


@given(grouped(), st.floats(0.1, 10), st.floats(-5, 5))
def test_sums_scales_and_shifts(case, scale, shift):
    returns, groups = case
    for rule in (rloo, dr_grpo, grpo):
        credit = rule(returns, groups)
        for g in np.unique(groups):
            assert credit[groups == g].sum() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(rloo(scale * returns + shift, groups), scale * rloo(returns, groups), atol=1e-9)
    np.testing.assert_allclose(
        grpo(scale * returns + shift, groups, eps=1e-12), grpo(returns, groups, eps=1e-12), atol=1e-6
    )


@pytest.mark.parametrize("level", [0.0, 0.1, -0.3, 1e6 / 3])
def test_equal_returns_give_exact_zeros(level):
    returns, groups = np.full(7, level), np.array([0, 0, 0, 1, 1, 1, 1])
    for rule in (rloo, grpo, dr_grpo):
        assert not rule(returns, groups).any()


def test_two_episodes_get_their_difference():
    assert rloo(np.array([0.7, 0.2]), np.zeros(2, int)) == pytest.approx([0.5, -0.5])


def test_a_group_of_one_is_refused_by_rloo_and_silent_in_the_others():
    returns, groups = np.array([1.0, 0, 5]), np.array([4, 4, 9])
    with pytest.raises(TurnwiseError, match=r"(?s)id 9.*raise the group size"):
        rloo(returns, groups)
    for ddof in (0, 1):
        assert grpo(returns, groups, ddof)[2] == 0
    assert dr_grpo(returns, groups).tolist() == [0.5, -0.5, 0]


def test_statistics_are_over_episodes_not_turns():
    """R = 1 over four turns against R = 0 over one: over rows the mean would be .8, and the credits .447 and -1.789."""
    x = CreditInput([0, 0, 0, 1.0, 0], [0, 4, 5], [True, True], group_E=[0, 0])
    assert Grpo().assign(x).credit == pytest.approx([0.707] * 4 + [-0.707], abs=1e-3)


@given(grouped(), st.randoms(use_true_random=False))
def test_every_turn_of_an_episode_gets_its_credit(case, random):
    returns, groups = case
    lengths = [random.randint(1, 5) for _ in returns]
    starts = starts_of(lengths)
    rewards = np.zeros(starts[-1])
    rewards[starts[1:] - 1] = returns
    x = CreditInput(rewards, starts, np.ones(len(returns), bool), group_E=groups)
    for rule, function in ((Rloo(), rloo), (DrGrpo(), dr_grpo), (Grpo(), grpo)):
        np.testing.assert_allclose(rule.assign(x).credit, np.repeat(function(returns, groups), lengths), atol=1e-9)
    np.testing.assert_allclose(Outcome().assign(x).credit, np.repeat(returns, lengths))


def mean_gradient(rule, size):
    """Exact expected gradient of a three-armed bandit's logits: all groups of `size` draws, weighted by probability."""
    pi, reward = np.array([0.2, 0.5, 0.3]), np.array([1.0, 0.0, 0.4])
    total = np.zeros(3)
    for arms in product(range(3), repeat=size):
        arms = list(arms)
        credit = rule(reward[arms], np.zeros(size, int))
        total += pi[arms].prod() * (credit @ (np.eye(3)[arms] - pi)) / size
    return total, pi * (reward - pi @ reward)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_expected_gradients(size):
    found, exact = mean_gradient(rloo, size)
    np.testing.assert_allclose(found, exact, atol=1e-12)
    found, exact = mean_gradient(dr_grpo, size)
    np.testing.assert_allclose(found, exact * (size - 1) / size, atol=1e-12)
    found, exact = mean_gradient(grpo, size)
    assert found @ exact > 0 and not np.allclose(found, exact * (found @ exact) / (exact @ exact), atol=1e-3)


def test_grpo_is_true_within_a_task_of_binary_returns_and_reweights_tasks():
    """With 0/1 returns the z-score only rescales: rare success is weighted up by 1 / std."""
    rare = grpo(np.array([1.0] + [0] * 7), np.zeros(8, int))
    even = grpo(np.array([1.0] * 4 + [0] * 4), np.zeros(8, int))
    dr = [dr_grpo(np.array([1.0] * k + [0] * (8 - k)), np.zeros(8, int)) for k in (1, 4)]
    assert rare[0] / dr[0][0] > 1.4 * even[0] / dr[1][0]


@pytest.mark.parametrize("settings", [{"ddof": 2}, {"eps": 0.0}, {"whiten": "rows"}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(TurnwiseError, match=next(iter(settings))):
        Grpo(**settings)
