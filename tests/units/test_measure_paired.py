"""Paired comparisons: the "must hold" list of specs/evaluate/paired-comparison."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.measure import non_inferior, paired_bootstrap, paired_difference
from turnwise.measure.holm import holm
from turnwise.measure.intervals import naive_se
from turnwise.measure.matched import match
from turnwise.measure.mcnemar import discordant, mcnemar_p
from turnwise.measure.planning import fewest_tasks_for_sign_flips, sd_of_difference, tasks_needed
from turnwise.measure.quantiles import student_p
from turnwise.measure.sign_flip import sign_flip_p

A = dict(enumerate((1, 0.5, 1, 0, 0.75, 1, 0.25, 0.5)))
B = dict(enumerate((0.5, 0.5, 0.75, 0, 0.25, 1, 0.5, 0)))


def compare(a, b, **more):
    return paired_difference(a, b, rng=np.random.default_rng(0), **more)


def test_pairing_cuts_the_variance_of_the_sheets_example():
    found = compare(A, B)
    a, b = np.array(list(A.values())), np.array(list(B.values()))
    unpaired = math.hypot(naive_se(a), naive_se(b))
    assert found.sd == pytest.approx(0.291241, abs=1e-6)
    assert unpaired == pytest.approx(0.181450, abs=1e-6)
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(0.680414, abs=1e-6)
    assert (found.se / unpaired) ** 2 == pytest.approx(1 / 3, abs=0.02)
    by_covariance = naive_se(a) ** 2 + naive_se(b) ** 2 - 2 * np.cov(a, b)[0, 1] / len(a)
    assert found.se == pytest.approx(math.sqrt(by_covariance))


def test_trials_are_averaged_inside_the_task():
    assert compare({k: [v, v, None] for k, v in A.items()}, B).difference == compare(A, B).difference
    assert compare({k: [v, v, None] for k, v in A.items()}, B).unscored == 8


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=10))
def test_swapping_flips_signs_and_keeps_p(pairs):
    a, b = ({i: p[side] / 4 for i, p in enumerate(pairs)} for side in (0, 1))
    one, other = compare(a, b), compare(b, a)
    assert other.difference == -one.difference and other.p == one.p and other.t_p == one.t_p
    if one.low is not None:
        assert (other.low, other.high) == (-one.high, -one.low)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-8, 8)), min_size=2, max_size=10))
def test_a_constant_added_to_both_changes_nothing(triples):
    plain = compare({i: t[0] for i, t in enumerate(triples)}, {i: t[1] for i, t in enumerate(triples)})
    moved = compare({i: t[0] + t[2] for i, t in enumerate(triples)}, {i: t[1] + t[2] for i, t in enumerate(triples)})
    assert (moved.difference, moved.p, moved.low, moved.high) == (plain.difference, plain.p, plain.low, plain.high)


def test_no_discordant_task_is_said_instead_of_an_interval_of_width_zero():
    found = compare(A, A)
    assert (found.difference, found.p, found.low, found.high) == (0, 1, None, None)
    assert "no discordant task among 8" in str(found)


def test_the_same_difference_everywhere_has_no_t_interval_but_a_sign_flip_p():
    found = compare(dict.fromkeys(range(6), 1), dict.fromkeys(range(6), 0.9))
    assert found.low is None and found.t_p is None and found.p == pytest.approx(2 / 2**6)
    assert "every task differs by the same" in str(found)


def test_rounding_inside_a_task_is_not_a_discordant_task():
    assert compare({0: [0.1, 0.2, 0.3], 1: 1}, {0: [0.3, 0.2, 0.1], 1: 0}).discordant == 1


def test_tasks_of_only_one_agent_are_dropped_and_counted():
    found = compare(A | {"new": 1, "crashed": None}, B | {"old": 0, "crashed": 1})
    assert (found.tasks, found.dropped, found.difference) == (8, 3, compare(A, B).difference)
    assert found.unscored == 1
    assert "3 dropped" in str(found)
    with pytest.raises(TurnwiseError, match="none in common"):
        compare({"a": 1}, {"b": 1})


def test_matched_keeps_the_order_of_the_first():
    assert match({"b": 1, "a": 0}, {"a": 1, "b": 0}).tasks == ("b", "a")


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_sign_flips_against_the_definition(differences):
    d = np.array(differences) / 10  # tenths do not add exactly: ties must survive rounding
    whole = np.array(differences)
    expected = np.mean([abs(np.dot(e, whole)) >= abs(whole.sum()) for e in product((-1, 1), repeat=len(d))])
    assert sign_flip_p(d, rng=np.random.default_rng(0)) == (pytest.approx(expected), True)


def test_drawn_sign_flips_agree_with_a_normal_limit_and_are_never_zero():
    rng = np.random.default_rng(5)
    d = rng.normal(0.15, 1, 200)
    p, exact = sign_flip_p(d, rng=rng)
    t_p = student_p(d.mean() / naive_se(d), 199)
    assert not exact and p == pytest.approx(t_p, abs=0.02)
    assert sign_flip_p(np.ones(200), rng=rng)[0] == pytest.approx(1 / 10_001)


def test_clusters_flip_and_vary_together():
    a, b = {i: 1 - i % 2 * 0.5 for i in range(8)}, dict.fromkeys(range(8), 0.25)
    together = compare(a, b, clusters={i: i // 4 for i in range(8)})
    assert together.clusters == 2 and together.p == 1 / 2  # two clusters: both up, of four sign vectors two reach it
    assert compare(a, b).p == 2 / 2**8


def test_clustered_interval_uses_residual_sums():
    rng = np.random.default_rng(2)
    shift = np.repeat(rng.normal(size=6), 5)
    a, b = dict(enumerate(shift + rng.normal(size=30) * 0.1)), dict.fromkeys(range(30), 0.0)
    alone, together = compare(a, b), compare(a, b, clusters={i: i // 5 for i in range(30)})
    assert together.se > 1.8 * alone.se
    assert together.sd == pytest.approx(together.se * math.sqrt(30))


def test_bootstrap_interval_of_the_difference():
    rng = np.random.default_rng(0)
    a, b = dict(enumerate(rng.random(50))), dict(enumerate(rng.random(50)))
    t, boot = compare(a, b), paired_bootstrap(a, b, rng=rng, resamples=4000)
    assert boot.se == pytest.approx(t.se, rel=0.06) and boot.difference == t.difference
    assert boot.low == pytest.approx(t.low, abs=0.3 * t.se) and boot.method == "bootstrap"
    assert paired_bootstrap(a, a, rng=rng).low is None


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_sign_test(only_a, only_b):
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n
    assert mcnemar_p(only_a, only_b) == pytest.approx(min(1, 2 * tail)) == mcnemar_p(only_b, only_a)


def test_mcnemar_equals_sign_flips_on_binary_outcomes():
    a, b = dict(enumerate([1] * 9 + [0] * 2 + [1, 0])), dict(enumerate([0] * 9 + [1] * 2 + [1, 0]))
    assert discordant(a, b) == (9, 2)
    assert compare(a, b).p == mcnemar_p(9, 2) == 0.0654296875
    with pytest.raises(TurnwiseError, match="several trials"):
        discordant({0: [1, 0]}, {0: 1})
    with pytest.raises(TurnwiseError, match="outcome 0.5"):
        discordant({0: 0.5}, {0: 1})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_holm_is_monotone_and_keeps_positions(p, random):
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-15).all() and (adjusted <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()
    assert adjusted[order[0]] == pytest.approx(min(1, len(p) * min(p)))
    shuffled = list(range(len(p)))
    random.shuffle(shuffled)
    np.testing.assert_allclose(holm(np.array(p)[shuffled]), adjusted[shuffled])


def test_planning():
    assert tasks_needed(0.4, 0.05) == tasks_needed(0.4, -0.05) == 503
    assert tasks_needed(0.4, 0.05, power=0.9) > 503 and tasks_needed(0.4, 0.05, alpha=0.01) > 503
    assert sd_of_difference(0.3, 0.4, 4, 0.2, 1) == pytest.approx(math.sqrt(0.09 + 0.04 + 0.04))
    assert fewest_tasks_for_sign_flips(0.05) == 6  # 2 / 2^6 = .031, 2 / 2^5 = .0625
    with pytest.raises(TurnwiseError, match="difference = 0"):
        tasks_needed(0.4, 0)


def test_non_inferiority_uses_the_one_sided_bound():
    found = compare(A, B)
    claim = non_inferior(found, 0.05)
    assert claim.bound == pytest.approx(found.difference - 1.894579 * found.se, abs=1e-6)  # t_{.95, 7}
    assert claim.holds and not non_inferior(compare(B, A), 0.05).holds
    assert non_inferior(compare(A, A), 0.05).holds is None
    with pytest.raises(TurnwiseError, match="margin = 0"):
        non_inferior(found, 0)


def rejections(effect, repeats, rng):
    """Share of simulated comparisons in which the paired and the unpaired t test reject at 5%."""
    paired = unpaired = 0
    for _ in range(repeats):
        difficulty = rng.normal(0, 2, 60)
        a, b = (
            (rng.random((60, 4)) < 1 / (1 + np.exp(-(difficulty + shift)))[:, None]).mean(axis=1)
            for shift in (effect, 0.0)
        )
        paired += compare(dict(enumerate(a)), dict(enumerate(b)), flips=1).t_p < 0.05
        t = (a.mean() - b.mean()) / math.hypot(naive_se(a), naive_se(b))
        unpaired += student_p(t, 118) < 0.05
    return paired / repeats, unpaired / repeats


def test_the_paired_test_finds_what_the_unpaired_one_misses():
    rng = np.random.default_rng(7)
    paired, unpaired = rejections(0.6, 600, rng)
    assert 0.63 <= paired <= 0.77 and unpaired <= 0.2
    paired, _ = rejections(0.0, 600, rng)
    assert paired <= 0.08
