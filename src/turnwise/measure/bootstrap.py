"""The cluster bootstrap: draw clusters with replacement, keep every row of a drawn cluster, pool, take the mean.

Small samples are enumerated, so that no seed enters: C clusters have binomial(2C-1, C) distinct resamples,
each drawn in a known number of the C^C equally likely ways. Source:
specs/evaluate/success-and-return-intervals.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.estimate import Estimate
from turnwise.measure.rows import Ids, Scores, as_scores, encode

MOST_ENUMERATED = 20_000
"""Largest number of distinct resamples that is enumerated instead of drawn (specs/evaluate/CONVENTIONS, rule 8)."""


def bootstrap_mean(
    scores: Scores,
    clusters: Ids,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """Row mean with the quantile interval of its cluster bootstrap; SE is the population sd of the resampled means.

    Args:
        scores: one per row; None or nan is unscored.
        clusters: one id per row.
        rng: read only when there are too many distinct resamples to enumerate (nine clusters and more).
        resamples: how many are drawn then.
    """
    values = as_scores(scores)
    _, codes = encode(clusters, len(values), "cluster")
    scored = ~np.isnan(values)
    kept = values[scored]
    sizes = np.bincount(codes[scored])
    sums, sizes = np.bincount(codes[scored], weights=kept)[sizes > 0], sizes[sizes > 0]
    count, unscored = len(sizes), len(values) - len(kept)
    if count < 2:
        mean = float(kept.mean()) if len(kept) else None
        return Estimate(mean, len(kept), clusters=count, unscored=unscored, method="bootstrap", level=level)
    if math.comb(2 * count - 1, count) <= MOST_ENUMERATED:
        means, ways, method = *_every_resample(sums, sizes), "bootstrap, exact"
    else:
        means, method = _drawn_resamples(sums, sizes, resamples, rng), "bootstrap"
        ways = np.ones(len(means), dtype=np.int64)
    low, high = repeated_quantiles(means, ways, [(1 - level) / 2, (1 + level) / 2])
    centre = np.average(means, weights=ways)
    se = math.sqrt(np.average((means - centre) ** 2, weights=ways))
    return Estimate(float(kept.mean()), len(kept), low, high, se, count, unscored, method, level)


def repeated_quantiles(values: np.ndarray, repeats: np.ndarray, at: list[float]) -> list[float]:
    """Quantiles, linear between order statistics, of the list in which value i stands `repeats[i]` times."""
    order = np.argsort(values, kind="stable")
    ranked, last_place = values[order], np.cumsum(repeats[order]) - 1
    found = []
    for q in at:
        place = q * last_place[-1]
        below, above = (ranked[np.searchsorted(last_place, edge)] for edge in (math.floor(place), math.ceil(place)))
        found.append(float(below + (place - math.floor(place)) * (above - below)))
    return found


def _every_resample(sums: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each distinct resample, and the number of ordered draws that give it."""
    count = len(sums)
    drawn = np.array(list(combinations_with_replacement(range(count), count)))
    times = (drawn[:, :, None] == np.arange(count)).sum(axis=1)  # how often each cluster was drawn
    factorials = np.array([math.factorial(k) for k in range(count + 1)])
    ways = math.factorial(count) // factorials[times].prod(axis=1)
    return (times @ sums) / (times @ sizes), ways


def _drawn_resamples(sums: np.ndarray, sizes: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    if resamples < 1:
        raise TurnwiseError(f"resamples = {resamples}", "one or more", "1000 is the default")
    means = np.empty(resamples)
    for i in range(resamples):
        drawn = rng.integers(len(sums), size=len(sums))
        means[i] = sums[drawn].sum() / sizes[drawn].sum()
    return means
