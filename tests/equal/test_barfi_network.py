"""BARFI on a network: slopes and curvature against autograd and the pure functions, the blend's credits against the
rule, and the recipe against its limits (specs/credit/barfi); the exact small problem is in test_credit_barfi.py.
"""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from made_imitator import imitator, improved
from made_play import nano, sample
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch
from turnwise.credit.barfi import Barfi
from turnwise.credit.barfi_outer import damped_solution
from turnwise.credit.rloo import Rloo
from turnwise.explore import Grouped
from turnwise.feedback.praise import Praise
from turnwise.learn.credited import credit_table, on_rows
from turnwise.learn.weights.bilevel import Bilevel, Outer, halves, stream_credits
from turnwise.learn.weights.curvature import Bend
from turnwise.learn.weights.policy_gradient import PolicyGradientSettings
from turnwise.worlds import make

PLAIN = PolicyGradientSettings(value=0.0, minibatches=1)
RULE = Barfi(("step",), (0.1, 1.0, 2.0), inner=Rloo())


@pytest.fixture(scope="module")
def played():
    """Four groups of work-submit with praise for the first word, and returns that somebody made up."""
    policy, world = nano("work-submit"), make("work-submit")
    episodes, _ = sample(policy, world, 4, Grouped(3), turns=3, max_new=8)
    rng = np.random.default_rng(0)
    paid = [
        replace(e, turns=tuple(replace(t, rewards={"agent": float(rng.normal())}) for t in e.turns)) for e in episodes
    ]
    signals = asyncio.run(Praise({"*": 0.3, "work": 0.7}).judge(paid))
    return policy, paid, signals


def bend(policy, learner_rows, chosen=None):
    chosen = [i for i, row in enumerate(learner_rows) if row.loss.any()] if chosen is None else chosen
    return Bend(policy, learner_rows, chosen)


def learner(policy, rule=RULE, **outer):
    return Bilevel(copy.deepcopy(policy), PLAIN, 0, rule, Outer(**outer))


# --- along a direction ---


@pytest.fixture(scope="module")
def looked(played):
    policy, episodes, signals = played
    rows = learner(policy).rows(episodes)
    credit = stream_credits(RULE, episodes, rows, signals)
    blended = {i: sum(w * s[i] for w, s in zip(RULE.weights, credit, strict=True)) for i in credit[0]}
    rng = np.random.default_rng(1)
    v = rng.normal(size=sum(p.numel() for p in policy.parameters()))
    return bend(copy.deepcopy(policy), rows), blended, v / np.linalg.norm(v)


def test_slopes_are_the_gradients_of_each_token_times_the_direction(looked):
    at, credit, v = looked
    slopes = at.slopes(3.0 * v)
    for c in (credit, {i: np.ones(len(credit[i])) for i in credit}):
        d, told = at.gradient(c)
        along = sum(float(c[i] @ slopes[i]) for i in at.chosen)
        assert along == pytest.approx(3.0 * d @ v, rel=0.02, abs=1e-3 * np.linalg.norm(d))
    assert all((told[i] <= 0).all() for i in at.chosen)


def test_the_first_part_of_the_curvature_is_symmetric_and_the_second_the_product_of_sums(looked):
    """(dD/d theta)^T v less its second part, written out here, is a Hessian."""
    at, credit, v = looked
    w = np.roll(v, 7)
    ones = {i: np.ones(len(credit[i])) for i in credit}

    def second_part(v):
        slopes, total = at.slopes(v), 0.0
        for e in sorted({at.rows[i].episode for i in at.chosen}):
            own = [i for i in at.chosen if at.rows[i].episode == e]
            score, _ = replace(at, chosen=own).gradient({i: ones[i] for i in own})
            total = total + score * sum(float(credit[i] @ slopes[i]) for i in own)
        return total

    hv, hw = (at.curvature(u, credit) - second_part(u) for u in (v, w))
    size = max(np.linalg.norm(hv), np.linalg.norm(hw))
    assert size > 0 and abs(w @ hv - v @ hw) < 0.02 * size
    np.testing.assert_allclose(at.curvature(2.0 * v, credit), 2.0 * at.curvature(v, credit), atol=0.02 * size)


def test_moving_leaves_no_trace(looked):
    at, credit, v = looked
    before = copy.deepcopy(at.policy.state_dict())
    with pytest.raises(RuntimeError), at.moved(v):
        assert not all(torch.equal(before[n], w) for n, w in at.policy.state_dict().items())
        raise RuntimeError
    at.curvature(v, credit)
    assert all(torch.equal(before[n], w) for n, w in at.policy.state_dict().items())
    assert all(w.grad is None for w in at.policy.parameters())


# --- the damped system ---


@given(st.integers(0, 1000), st.floats(0.1, 5.0))
def test_the_damped_series_comes_to_the_solution(seed, l2):
    rng = np.random.default_rng(seed)
    a, g = rng.normal(size=(4, 4)), rng.normal(size=4)
    found = damped_solution(g, lambda v: a.T @ v, 0, l2)
    np.testing.assert_allclose(found.v_P, g / (2 * l2))
    assert found.left == 1.0
    a *= 0.1 / np.linalg.norm(a, 2)
    found = damped_solution(g, lambda v: a.T @ v, 60, l2)
    np.testing.assert_allclose((found.damping * np.eye(4) - a).T @ found.v_P, g, atol=1e-8)
    assert found.left < 1e-8


def test_damping_rises_until_the_first_term_is_half_and_a_series_that_grows_ends():
    g = np.array([1.0, 0.0])
    found = damped_solution(g, lambda v: np.array([[0.0, 0.0], [9.0, 0.0]]) @ v, 5, 0.25)
    assert found.damping == 18.0 and found.left == 0.0
    grows = np.array([[1.0, 0.0], [0.0, 50.0]]) @ np.array([[1.0, 1.0], [1.0, 1.0]]) / 10
    found = damped_solution(np.array([1.0, -0.99]), lambda v: grows @ v, 50, 0.001)
    assert np.isfinite(found.v_P).all() and found.left <= 0.5
    assert damped_solution(np.zeros(2), lambda v: v, 3).left == 0.0


# --- credits of the streams ---


def test_the_blend_of_the_streams_credits_is_the_credit_of_the_blend(played):
    policy, episodes, signals = played
    rows = learner(policy).rows(episodes)
    streams = stream_credits(RULE, episodes, rows, signals)
    whole = on_rows(credit_table(RULE, episodes, rows, None, signals).values, rows)
    for i, row in enumerate(rows):
        mixed = sum(w * s[i] for w, s in zip(RULE.weights, streams, strict=True)) * len(episodes)
        np.testing.assert_allclose(mixed, whole[i][row.loss], atol=1e-5)


def test_halves_share_no_task_and_one_task_is_refused(played):
    policy, episodes, _ = played
    rows = learner(policy).rows(episodes)
    first, second = halves(episodes, rows, np.random.default_rng(0))
    keys = [{episodes[rows[i].episode].task.key for i in half} for half in (first, second)]
    assert not keys[0] & keys[1] and len(first) + len(second) == sum(row.loss.any() for row in rows)
    with pytest.raises(TurnwiseError, match="a round of one task"):
        halves(episodes[:3], rows[:3], np.random.default_rng(0))


def learned(played, one, signals=None):
    """How far one round of learning moves the blend."""
    policy, episodes, told = played
    signals = told if signals is None else signals
    credit = credit_table(one.rule, episodes, one.rows(episodes), None, signals)
    before = np.array(one.rule.weights)
    one.learn(Batch(episodes, signals, {"barfi": credit}))
    return np.array(one.rule.weights) - before


@pytest.mark.parametrize("constant", [True, False])
def test_the_outer_gradient_is_what_a_small_inner_step_does_to_the_primary_reward(played, constant):
    """Without terms: d/d phi_k of g . (theta + h * sum phi_k D_k), from whole gradients, in each reward's own unit."""
    policy, episodes, signals = played
    one = learner(policy, terms=0, lr=1.0, constant=constant)
    rows = one.rows(episodes)
    streams = stream_credits(RULE, episodes, rows, signals)
    first, second = halves(episodes, rows, generator(0, "outer", 1))
    g, _ = bend(one.policy, rows, first).gradient(streams[1])
    loud = np.array([np.sqrt(np.mean(np.concatenate(list(s.values())) ** 2)) for s in streams])
    expected = np.array([bend(one.policy, rows, second).gradient(s)[0] @ g for s in streams])
    expected = np.divide(expected, loud, out=np.zeros(3), where=loud > 0) * [constant, 1, 1]
    step = learned(played, one) * loud / loud[1]
    assert np.linalg.norm(step) == pytest.approx(1.0), "the first step has its own size"
    np.testing.assert_allclose(step, expected / np.linalg.norm(expected), atol=0.02)


def test_a_helper_paid_a_hundred_times_with_a_hundredth_of_the_weight_comes_to_the_same_blend(played):
    policy, _, signals = played
    loud = [replace(s, value=100.0 * s.value) for s in signals]
    plain = learned(played, learner(policy, terms=1))
    quiet = learned(played, learner(policy, replace(RULE, weights=(0.1, 1.0, 0.02)), terms=1), loud)
    np.testing.assert_allclose(quiet * [1, 1, 100], plain, rtol=1e-3)


def test_a_helper_that_is_the_opposite_is_unlearned_and_the_blend_is_kept(played, tmp_path):
    """Auxiliary = -primary: f3 falls as fast as f2 rises."""
    policy, episodes, signals = played
    of = {e.id: e for e in episodes}
    against = [replace(s, value=-of[s.episode].turns[s.turn].rewards["agent"]) for s in signals]
    one = learner(policy, replace(RULE, weights=(0.0, 1.0, 1.0)), terms=1, lr=0.3)
    rows = one.rows(episodes)
    credit = credit_table(replace(RULE, weights=(0.0, 1.0, 0.0)), episodes, rows, None, signals)
    (update,) = one.learn(Batch(episodes, against, {"barfi": credit}))
    _, f2, f3 = one.rule.weights
    assert f2 - 1.0 == pytest.approx(1.0 - f3, rel=1e-3) and f2 != f3
    assert update.change["blend_step"] == f3 and update.change["outer_damping"] > 0
    one.save(tmp_path)
    other = learner(policy)
    other.load(tmp_path)
    assert other.rule == one.rule and (other.rounds, other.taken, other.square) == (1, 1, one.square)


# --- the recipe at its limits ---


def test_without_outer_loop_it_is_the_plain_sum_and_without_helper_the_primary_reward_alone(tmp_path):
    model, praise = imitator(tmp_path), {"praise": "offer=0.3"}
    alone, _ = improved(model, "rloo", tmp_path / "alone")
    summed, _ = improved(model, "ungated", tmp_path / "sum", **praise)
    assert improved(model, "barfi", tmp_path / "a", outer=0, **praise)[0] == summed != alone
    assert improved(model, "barfi", tmp_path / "b", outer=0, helping=0, **praise)[0] == alone
