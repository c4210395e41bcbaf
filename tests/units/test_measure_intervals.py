"""Intervals over tasks: the "must hold" list of specs/evaluate/success-and-return-intervals and of the conventions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.measure import Estimate, naive_mean, row_mean, success_rate, task_mean, wilson
from turnwise.measure.bootstrap import _drawn_resamples, _every_resample, bootstrap_mean, repeated_quantiles
from turnwise.measure.intervals import clustered_se, naive_se, worst_and_best
from turnwise.measure.rows import by_task

EQUAL = ([1, 1, 0, 0, 1, 0, 1, 1], list("AABBCCDD"))
UNEQUAL = ([1, 1, 1, 0, 1, 0], list("AAABCC"))

rows = st.lists(st.tuples(st.floats(-5, 5, width=32), st.integers(0, 6)), min_size=2, max_size=40)


def split(pairs):
    return np.array([s for s, _ in pairs]), np.array([c for _, c in pairs])


def test_clustered_sum_and_the_form_without_correction():
    scores, codes = np.array(EQUAL[0], float), np.repeat(range(4), 2)
    corrected = clustered_se(scores, codes)
    assert corrected**2 * len(scores) ** 2 * 3 / 4 == pytest.approx(2.75)
    assert corrected * math.sqrt(3 / 4) == pytest.approx(0.207289, abs=1e-6)


def test_task_mean_and_row_mean_are_different_numbers_on_unequal_tasks():
    assert task_mean(*UNEQUAL).value == pytest.approx(0.5)
    assert row_mean(*UNEQUAL).value == pytest.approx(2 / 3)
    assert task_mean(*EQUAL).se == pytest.approx(row_mean(*EQUAL).se)


def test_equal_sizes_reduce_to_the_sd_of_task_means():
    means = [1, 0, 0.5, 1]
    assert row_mean(*EQUAL).se == pytest.approx(np.std(means, ddof=1) / 2)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30))
def test_one_row_per_cluster_is_the_naive_error(scores):
    assert clustered_se(np.array(scores), np.arange(len(scores))) == pytest.approx(
        naive_se(np.array(scores)), abs=1e-12
    )


@given(rows, st.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_clusters_change_nothing(pairs, random):
    scores, clusters = split(pairs)
    shuffled = list(range(len(scores)))
    random.shuffle(shuffled)
    other = row_mean(scores[shuffled], [f"task-{9 - c}" for c in clusters[shuffled]])
    one = row_mean(scores, clusters)
    assert (other.n, other.clusters) == (one.n, one.clusters)
    for mine, theirs in ((one.value, other.value), (one.se, other.se)):
        assert mine == theirs is None or mine == pytest.approx(theirs, abs=1e-9)


@given(rows)
def test_duplicating_rows_inside_clusters_shrinks_only_the_naive_error(pairs):
    scores, clusters = split(pairs)
    twice, twice_clusters = np.repeat(scores, 2), np.repeat(clusters, 2)
    assert clustered_se(twice, twice_clusters) == pytest.approx(clustered_se(scores, clusters), abs=1e-9)
    if np.ptp(scores) > 1e-3:
        assert naive_se(twice) < naive_se(scores)


def test_unscored_is_not_zero():
    scores, tasks = EQUAL
    left_out, as_zero = [None, *scores[1:]], [0, *scores[1:]]
    assert row_mean(left_out, tasks).value == pytest.approx(4 / 7)
    assert row_mean(as_zero, tasks).value == pytest.approx(4 / 8)
    assert (row_mean(left_out, tasks).n, row_mean(left_out, tasks).unscored) == (7, 1)
    assert (row_mean(as_zero, tasks).n, row_mean(as_zero, tasks).unscored) == (8, 0)


def test_nothing_scored_has_no_value():
    estimate = task_mean([None, math.nan], ["a", "b"])
    assert estimate.value is None and estimate.low is None
    assert str(estimate) == "not scored (n=0, 2 unscored)"


def test_one_cluster_has_no_interval():
    estimate = task_mean([1, 0, 1], ["a", "a", "a"])
    assert estimate.value == pytest.approx(2 / 3) and estimate.low is None
    assert "[no interval]" in str(estimate)


def test_coarser_clusters_widen_what_moves_together():
    tasks = [f"t{i}" for i in range(8)]
    scores = [1, 1, 1, 1, 0, 0, 0, 0]
    template = {t: t < "t4" for t in tasks}
    assert task_mean(scores, tasks, template).se > 1.5 * task_mean(scores, tasks).se
    assert task_mean(scores, tasks, template).clusters == 2
    with pytest.raises(TurnwiseError, match="'t7' has no cluster"):
        task_mean(scores, tasks, dict.fromkeys(tasks[:7], 0))


def test_rates_of_none_and_all_are_wilson_over_clusters_not_a_point():
    none = success_rate([0] * 40, np.repeat(range(20), 2))
    assert none.low == 0.0 and none.high == pytest.approx(wilson(0, 20).high) and none.method == "wilson over clusters"
    every = success_rate([1] * 20, range(20))
    assert every.high == 1.0 and every.low == pytest.approx(1 - 0.161125, abs=1e-6)
    with pytest.raises(TurnwiseError, match="outcome 2.0"):
        success_rate([1, 2], [0, 1])


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_rate_stays_inside_and_mirrors(counts):
    k, n = counts
    estimate, mirrored = wilson(k, n), wilson(n - k, n)
    assert 0 <= estimate.low <= k / n <= estimate.high <= 1
    assert estimate.low == pytest.approx(1 - mirrored.high, abs=1e-12)


def test_printing():
    estimate = Estimate(0.417, 158, 0.351, 0.487, 0.03, 158)
    assert str(estimate) == "0.42 [0.35, 0.49] (n=158, 158 tasks)"
    assert (
        str(Estimate(0.417, 10, 0.3, 0.5, 0.03, 1, 2, level=0.9))
        == "0.42 [0.30, 0.50] at 90% (n=10, 1 task, 2 unscored)"
    )
    assert str(Estimate(0.01234, 10**6, 0.0120, 0.0127, 0.0002, 1000)).startswith("0.0123 [0.0120, 0.0127]")
    assert Estimate(math.nan, 0).value is None


def test_more_than_five_percent_unscored_warns_and_has_bounds():
    assert Estimate(0.5, 95, unscored=5).warning is None
    assert "6 of 100" in Estimate(0.5, 94, unscored=6).warning
    assert worst_and_best([1, None, 0, 1], ["a", "a", "b", "b"]) == pytest.approx((0.5, 0.75))


def test_missing_ids_and_infinite_scores_are_refused():
    with pytest.raises(TurnwiseError, match="row 1 has no cluster id"):
        row_mean([1, 0], ["a", None])
    with pytest.raises(TurnwiseError, match="1 task ids for 2 rows"):
        task_mean([1, 0], ["a"])
    with pytest.raises(TurnwiseError, match="score inf"):
        task_mean([1, math.inf], ["a", "b"])


def test_rows_per_task():
    assert by_task([1.0, None, 0.5], ["a", "a", "b"]) == {"a": [1.0, None], "b": [0.5]}


def test_exact_bootstrap_counts_of_the_sheet():
    means, ways = _every_resample(np.array([2.0, 0, 1, 2]), np.array([2, 2, 2, 2]))
    values, places = np.unique(means, return_inverse=True)
    assert values.tolist() == [i / 8 for i in range(9)]
    assert np.bincount(places, weights=ways).tolist() == [1, 4, 14, 28, 49, 56, 56, 32, 16]


def test_exact_bootstrap_is_the_limit_of_the_drawn_one():
    rng = np.random.default_rng(3)
    sums, sizes = np.array([3.0, 0, 1, 5, 2]), np.array([3, 1, 2, 6, 2])
    means, ways = _every_resample(sums, sizes)
    drawn = _drawn_resamples(sums, sizes, 20_000, rng)
    assert ways.sum() == 5**5
    assert drawn.mean() == pytest.approx(np.average(means, weights=ways), abs=3 * drawn.std() / math.sqrt(20_000))


@given(st.lists(st.tuples(st.floats(-3, 3), st.integers(1, 5)), min_size=1, max_size=12), st.floats(0, 1))
def test_quantiles_of_repeated_values_are_those_of_the_written_out_list(pairs, q):
    values, repeats = np.array([v for v, _ in pairs]), np.array([r for _, r in pairs])
    written_out = np.repeat(values, repeats)
    assert repeated_quantiles(values, repeats, [q])[0] == pytest.approx(np.quantile(written_out, q), abs=1e-9)


def test_bootstrap_is_exact_without_a_seed_up_to_eight_clusters_then_drawn():
    few = [bootstrap_mean([1, 0, 1, 0, 0, 1, 1, 0], range(8), rng=np.random.default_rng(seed)) for seed in (0, 1)]
    assert few[0] == few[1] and few[0].method == "bootstrap, exact"
    many = [bootstrap_mean([1, 0, 1] * 10, range(30), rng=np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert many[0] == many[1] != many[2] and many[0].method == "bootstrap"


def test_bootstrap_over_rows_would_repeat_the_naive_error():
    scores, tasks = np.repeat([1, 0, 1, 0, 1, 1], 10), np.repeat(range(6), 10)
    rng = np.random.default_rng(0)
    by_cluster, by_row = bootstrap_mean(scores, tasks, rng=rng), bootstrap_mean(scores, range(60), rng=rng)
    assert by_cluster.se > 2.5 * by_row.se


def test_clustered_intervals_cover_the_truth_and_naive_ones_do_not():
    rng = np.random.default_rng(20)
    tasks, covered = np.repeat(np.arange(40), 5), np.zeros(2)
    repeats = 1500
    for _ in range(repeats):
        p = rng.beta(0.5, 0.5, 40)
        scores = (rng.random(200) < np.repeat(p, 5)).astype(float)
        for i, estimate in enumerate((task_mean(scores, tasks), naive_mean(scores))):
            covered[i] += estimate.low <= 0.5 <= estimate.high
    clustered, naive = covered / repeats
    assert 0.93 <= clustered <= 0.965
    assert naive < 0.80
