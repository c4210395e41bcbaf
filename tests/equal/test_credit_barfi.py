"""BARFI: the blend against its parts, the outer gradient against finite differences, and what both loops come to.

The problem is small enough for exact expectations: two turns, two acts each, one logit per turn. The first act leads
left or right; only left and then act 0 earns. All four episodes are in every batch, weighted by their probability.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_cases import judged, loop_reward_to_go, per_episode
from turnwise.core.errors import TurnwiseError
from turnwise.credit import CreditInput
from turnwise.credit.barfi import Barfi, blend, streams_of
from turnwise.credit.barfi_outer import (
    by_gamma,
    by_weights,
    curvature_times,
    direction,
    implicit_gradient,
    stepped,
)
from turnwise.credit.reward_to_go import RewardToGo, reward_to_go
from turnwise.credit.rloo import Rloo

ACTS = np.array([(a, b) for a in (0, 1) for b in (0, 1)])
STARTS = np.arange(5) * 2
STATES = np.array([[0, 1 + a] for a, _ in ACTS])  # state 0, then 1 (left) or 2 (right)
PRIMARY = np.array([[0.0, float(a == 0 and b == 0)] for a, b in ACTS]).ravel()
L2 = 0.05


def laws(theta):
    """scores [T, 3], probability of act 0 in each turn's state [T], chance of each episode [E]."""
    p = 1 / (1 + np.exp(-theta))
    scores = np.zeros((8, 3))
    scores[np.arange(8), STATES.ravel()] = ((ACTS == 0) - p[STATES]).ravel()
    return scores, p[STATES].ravel(), np.where(ACTS == 0, p[STATES], 1 - p[STATES]).prod(1)


def record(hint=None):
    """The four episodes."""
    signals = {} if hint is None else {"hint": np.asarray(hint, float)}
    return CreditInput(PRIMARY, STARTS, np.ones(4, bool), signals_T=signals)


def primary_gradient(theta):
    scores, _, chances = laws(theta)
    return direction(scores, RewardToGo().assign(record()).credit, STARTS, chances)


def settled(rule, hint, steps=300, theta=None, lr=2.0):
    """The inner loop, by default until it stands still."""
    theta = np.zeros(3) if theta is None else theta
    credit = rule.assign(record(hint)).credit
    for _ in range(steps):
        scores, _, chances = laws(theta)
        theta = theta + lr * (direction(scores, credit, STARTS, chances) - 2 * L2 * theta)
    return theta


def value(theta):
    return float(laws(theta)[2] @ PRIMARY.reshape(4, 2).sum(1))


def second(v, p):
    """(grad^2 log pi) v of each turn: one logit per state."""
    bent = np.zeros((8, 3))
    bent[np.arange(8), STATES.ravel()] = -(p * (1 - p)) * v[STATES.ravel()]
    return bent


def outer(rule, theta, hint, terms=5, lr=0.5):
    x, (scores, p, chances) = record(hint), laws(theta)
    credit = rule.assign(x).credit
    columns = by_weights(scores, streams_of(x, rule.signals, rule.name), STARTS, rule.inner.gamma, chances)
    return implicit_gradient(
        primary_gradient(theta),
        columns,
        lambda v: curvature_times(v, scores, lambda u: second(u, p), credit, STARTS, L2, chances),
        lr,
        terms,
    )


@given(judged(("hint", "other")), st.floats(-2, 2), st.floats(-2, 2), st.sampled_from([0.5, 1.0]))
def test_the_blend_against_the_loop(x, constant, weight, gamma):
    rule = Barfi(("hint", "other"), (constant, 1.0, weight, 2.0), RewardToGo(gamma))
    expected = []
    names = (x.rewards_T, x.signals_T["hint"], x.signals_T["other"])
    for r, a, b in zip(*(per_episode(v, x.starts_E1) for v in names), strict=True):
        mixed = [constant + r[t] + weight * a[t] + 2.0 * b[t] for t in range(len(r))]
        expected += loop_reward_to_go(mixed, gamma)
    np.testing.assert_allclose(rule.assign(x).credit, expected, atol=1e-9)


@given(judged(("hint",), pairs=True), st.sampled_from([0.5, 1.0, 4.0]))
def test_limits_of_the_blend(x, weight):
    alone = Barfi(weights=(0.0, 1.0, 0.0), inner=Rloo())
    np.testing.assert_array_equal(alone.assign(x).credit, Rloo().assign(x).credit)
    assert alone.biased == "" and Barfi().biased
    louder = replace(x, signals_T={"hint": x.signals_T["hint"] * 128})
    quieter = Barfi(weights=(0.0, 1.0, weight / 128))
    np.testing.assert_array_equal(quieter.assign(louder).credit, Barfi(weights=(0.0, 1.0, weight)).assign(x).credit)


def test_quadratic():
    """Inner: -1/2 (theta - phi)^2, outer: -1/2 (theta - 3)^2. d theta / d phi is 1, the fixed point 3."""
    phi, theta = 0.0, 0.0
    found = implicit_gradient(np.array([1.0]), np.array([[1.0]]), lambda v: -v, lr=0.5, terms=60)
    assert found.gradient == pytest.approx([1.0], abs=1e-4) and found.residual < 1e-4
    for _ in range(300):
        theta = phi
        found = implicit_gradient(np.array([3.0 - theta]), np.array([[1.0]]), lambda v: -v, lr=0.5, terms=60)
        phi += 0.05 * found.gradient[0]
    assert phi == pytest.approx(3, abs=1e-4)


def test_a_series_that_grows_is_refused_and_a_short_one_shows_its_residual():
    g, column = np.array([1.0]), np.array([[1.0]])
    with pytest.raises(TurnwiseError, match="the series for the outer gradient grows"):
        implicit_gradient(g, column, lambda v: v)
    with pytest.raises(TurnwiseError, match="grows"):
        implicit_gradient(g, column, lambda v: -v, lr=3.0)
    residuals = [implicit_gradient(g, column, lambda v: -v, lr=0.1, terms=n).residual for n in (0, 5, 50)]
    assert residuals[0] > residuals[1] > residuals[2] and residuals[0] == pytest.approx(0.9)
    assert implicit_gradient(np.zeros(1), column, lambda v: -v).residual == 0


HINT = np.array([[0.3 * (a == 0), 0.2 * (b == 1)] for a, b in ACTS]).ravel()


@pytest.mark.parametrize("weights", [(0.0, 1.0, 1.0), (0.1, 2.0, -0.5)])
@pytest.mark.parametrize("gamma", [0.5, 1.0])
def test_directions_and_curvature_against_finite_differences(weights, gamma):
    rule, theta, h = Barfi(weights=weights, inner=RewardToGo(gamma)), np.array([0.3, -0.4, 0.2]), 1e-5

    def inner(theta, rule):
        scores, _, chances = laws(theta)
        return direction(scores, rule.assign(record(HINT)).credit, STARTS, chances) - 2 * L2 * theta

    x, (scores, p, chances) = record(HINT), laws(theta)
    credit = rule.assign(x).credit
    slopes = [(inner(theta + h * e, rule) - inner(theta - h * e, rule)) / (2 * h) for e in np.eye(3)]
    jacobian = np.stack(slopes, axis=1)
    times = [curvature_times(e, scores, lambda v: second(v, p), credit, STARTS, L2, chances) for e in np.eye(3)]
    np.testing.assert_allclose(times, jacobian, atol=1e-8)  # row i: (dD/d theta)^T e_i
    columns = by_weights(scores, streams_of(x, rule.signals, rule.name), STARTS, gamma, chances)
    for k, e in enumerate(np.eye(3)):
        up, down = (replace(rule, weights=tuple(np.array(weights) + s * h * e)) for s in (1, -1))
        np.testing.assert_allclose(columns[:, k], (inner(theta, up) - inner(theta, down)) / (2 * h), atol=1e-8)
    mixed = blend(streams_of(x, rule.signals, rule.name), weights)
    slope = by_gamma(scores, mixed, STARTS, gamma, chances)
    up, down = (direction(scores, reward_to_go(mixed, STARTS, g), STARTS, chances) for g in (gamma + h, gamma - h))
    np.testing.assert_allclose(slope, (up - down) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("weights", [(0.0, 1.0, 1.0), (0.2, 0.7, -0.5)])
def test_the_outer_gradient_against_settling_again(weights):
    rule, h = Barfi(weights=weights), 1e-4
    theta = settled(rule, HINT)
    found = outer(rule, theta, HINT, terms=400)
    assert found.residual < 1e-3
    for k, e in enumerate(np.eye(3)):
        up, down = (value(settled(replace(rule, weights=tuple(np.array(weights) + s * h * e)), HINT)) for s in (1, -1))
        assert found.gradient[k] == pytest.approx((up - down) / (2 * h), rel=0.05, abs=1e-5)


def test_the_weight_of_a_potential_has_no_gradient():
    """Phi of the left branch 1, dropped at the end: its stream sums to a function of the state at every turn."""
    left = (ACTS[:, 0] == 0).astype(float)
    potential = np.stack([left, -left], axis=1).ravel()
    for weight in (1.0, -3.0):
        rule = Barfi(weights=(0.0, 1.0, weight))
        theta = settled(rule, potential)
        np.testing.assert_allclose(theta, settled(Barfi(weights=(0.0, 1.0, 0.0)), potential), atol=1e-9)
        assert outer(rule, theta, potential).gradient[2] == pytest.approx(0, abs=1e-12)


def learned(hint, rounds=60, lr=0.5):
    """Both loops from the naive sum: 50 inner steps, warm-started, and one outer step, `rounds` times."""
    rule, theta = Barfi(), np.zeros(3)
    for _ in range(rounds):
        theta = settled(rule, hint, 50, theta, lr=0.5)
        rule = stepped(rule, outer(rule, theta, hint).gradient, lr=lr)
    return rule, value(settled(rule, hint))


def test_a_misleading_helper_is_unlearned():
    rule, reached = learned(-PRIMARY)
    naive = value(settled(Barfi(), -PRIMARY))
    assert rule.weights[2] < rule.weights[1]
    assert reached >= value(settled(Barfi(weights=(0.0, 1.0, 0.0)), -PRIMARY)) - 0.02 > naive


def test_a_good_hint_needs_fewer_inner_steps():
    hint = np.stack([ACTS[:, 0] == 0, np.zeros(4)], axis=1).ravel().astype(float)

    def steps_to(rule, goal=0.6):
        theta, count = np.zeros(3), 0
        while value(theta) < goal:
            theta, count = settled(rule, hint, 1, theta, lr=0.5), count + 1
        return count

    assert steps_to(Barfi()) < 0.7 * steps_to(Barfi(weights=(0.0, 1.0, 0.0)))
    assert learned(hint)[1] >= value(settled(Barfi(), hint))


def test_an_outer_step_moves_weights_and_the_inner_discount():
    rule = stepped(Barfi(inner=RewardToGo(0.9)), [0.0, 1.0, -2.0], slope=0.5, lr=0.1, c_gamma=1.5)
    assert rule.weights == pytest.approx((0.0, 1.1, 0.8)) and rule.inner.gamma == pytest.approx(0.8)
    assert stepped(Barfi(), [0, 0, 0], slope=3.0, lr=1.0).inner.gamma == 1.0
    with pytest.raises(TurnwiseError, match="a discount to learn"):
        stepped(Barfi(inner=Rloo()), [0, 0, 0], slope=1.0)
