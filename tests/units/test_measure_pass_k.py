"""pass@k, pass^k and best-of-k: the "must hold" list of specs/evaluate/pass-at-k-and-pass-hat-k."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.measure.pass_k import (
    best_of_k,
    best_of_k_mean,
    largest_k,
    pass_at_k,
    pass_at_k_rate,
    pass_hat_k,
    pass_hat_k_rate,
)


@pytest.mark.parametrize("n", range(1, 9))
def test_equal_to_averaging_over_all_subsets(n):
    for c in range(n + 1):
        outcomes = [1] * c + [0] * (n - c)
        for k in range(1, n + 1):
            subsets = list(combinations(outcomes, k))
            assert pass_at_k(n, c, k) == pytest.approx(np.mean([max(s) for s in subsets]), abs=1e-12)
            assert pass_hat_k(n, c, k) == pytest.approx(np.mean([min(s) for s in subsets]), abs=1e-12)


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=8).flatmap(lambda s: st.tuples(st.just(s), st.integers(1, len(s))))
)
def test_best_of_k_is_the_mean_maximum_over_subsets(case):
    scores, k = case
    assert best_of_k(scores, k) == pytest.approx(np.mean([max(s) for s in combinations(scores, k)]), abs=1e-9)
    assert best_of_k([*scores, None], k) == best_of_k(scores, k)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_identities_and_directions(counts):
    n, c = counts
    at, hat = ([f(n, c, k) for k in range(1, n + 1)] for f in (pass_at_k, pass_hat_k))
    assert at[0] == pytest.approx(c / n) and hat[0] == pytest.approx(c / n)
    assert all(x <= y + 1e-12 for x, y in zip(at, at[1:], strict=False))
    assert all(x >= y - 1e-12 for x, y in zip(hat, hat[1:], strict=False))
    assert hat == pytest.approx([1 - pass_at_k(n, n - c, k) for k in range(1, n + 1)], abs=1e-12)
    assert min(at + hat) >= 0 and max(at + hat) <= 1
    assert best_of_k([1] * c + [0] * (n - c), n // 2 + 1) == pytest.approx(at[n // 2], abs=1e-12)


def test_too_few_trials_are_unscored_never_any_success():
    assert pass_at_k(3, 1, 4) is None and pass_hat_k(3, 3, 4) is None and best_of_k([1, 1], 3) is None
    found = pass_at_k_rate({"a": [1, 0, 0, 0], "b": [1, 1, None, None], "c": [0, 0, 0, 1]}, 4)
    assert (found.n, found.unscored, found.value) == (2, 1, 1.0)
    assert largest_k({"a": [1, 0, 0, 0], "b": [1, 1, None, None]}) == 2


def test_large_n_does_not_overflow():
    assert pass_at_k(10_000, 5_000, 3) == pytest.approx(0.875, abs=1e-4)
    assert pass_hat_k(10_000, 5_000, 3) == pytest.approx(0.125, abs=1e-4)
    assert best_of_k(np.linspace(0, 1, 10_000), 3) == pytest.approx(0.75, abs=1e-3)


def test_unbiased_where_the_plug_in_is_not():
    rng = np.random.default_rng(0)
    successes = rng.binomial(5, 0.6, 40_000)
    for per_count, plug_in, truth in (
        ([pass_hat_k(5, c, 4) for c in range(6)], [(c / 5) ** 4 for c in range(6)], 0.6**4),
        ([pass_at_k(5, c, 4) for c in range(6)], [1 - (1 - c / 5) ** 4 for c in range(6)], 1 - 0.4**4),
    ):
        for table, unbiased in ((per_count, True), (plug_in, False)):
            values = np.array(table)[successes]
            off = abs(values.mean() - truth) / (values.std() / 200)
            assert bool(off < 3) is unbiased


def test_same_rate_different_reliability():
    coins = {t: list(np.unpackbits(np.uint8(t))[4:]) for t in range(16)}  # every outcome of four fair coins
    sure = {t: [t % 2] * 4 for t in range(16)}
    assert pass_hat_k_rate(coins, 1).value == pass_hat_k_rate(sure, 1).value == 0.5
    assert pass_hat_k_rate(coins, 4).value == 1 / 16 and pass_hat_k_rate(sure, 4).value == 0.5


def test_partial_credit_is_thresholded_and_the_threshold_is_said():
    trials = {"a": [0.5, 1.0], "b": [0.2, 0.7]}
    assert pass_at_k_rate(trials, 1).value == 0.25
    assert pass_at_k_rate(trials, 1, solved=0.5).value == 0.75
    assert "score >= 0.5" in pass_at_k_rate(trials, 1, solved=0.5).method
    assert best_of_k_mean(trials, 2).value == pytest.approx(0.85)


def test_impossible_counts_are_refused():
    for n, c, k in ((3, 4, 1), (3, -1, 1), (3, 1, 0)):
        with pytest.raises(TurnwiseError, match=f"c = {c}"):
            pass_at_k(n, c, k)
