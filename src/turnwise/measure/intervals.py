"""Means and rates with intervals over the unit that was sampled: the task, or a cluster of tasks.

Episodes of one task are not independent draws, so an interval over rows claims too much: with 40 tasks of 5
trials each it covers the truth in about 73% of evaluations instead of 95%. Source:
specs/evaluate/success-and-return-intervals (after inspect_ai and arXiv 2411.00640).
"""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.estimate import Estimate
from turnwise.measure.quantiles import normal_quantile, student_quantile
from turnwise.measure.rows import Ids, Scores, as_scores, cluster_of_tasks, encode, task_means


def naive_se(scores: np.ndarray) -> float:
    """sd(s, ddof 1) / sqrt(n): right only for independent rows; 0 with fewer than two."""
    return float(np.std(scores, ddof=1) / math.sqrt(len(scores))) if len(scores) > 1 else 0.0


def clustered_se(scores: np.ndarray, codes: np.ndarray) -> float:
    """sqrt( C/(C-1) * sum_c ( sum_{i in c} (s_i - m) )^2 ) / n; 0 with fewer than two clusters.

    Args:
        scores: float64 (n,), all scored.
        codes: int64 (n,), number of each row's cluster.

    C/(C-1) is inspect_ai's correction for few clusters. One row per cluster: the naive standard error. Equal
    sizes: sd(cluster means, ddof 1) / sqrt(C).
    """
    sums = np.bincount(codes, weights=scores - scores.mean())
    clusters = np.count_nonzero(np.bincount(codes))
    return math.sqrt(clusters / (clusters - 1) * float(sums @ sums)) / len(scores) if clusters > 1 else 0.0


def naive_mean(scores: Scores, *, level: float = 0.95) -> Estimate:
    """Row mean with the t interval that takes rows as independent (df n-1): right only with one row per task."""
    values = as_scores(scores)
    kept = values[~np.isnan(values)]
    return _t_estimate(kept, naive_se(kept), len(kept), len(kept), len(values) - len(kept), level, "naive t")


def row_mean(scores: Scores, clusters: Ids, *, level: float = 0.95) -> Estimate:
    """Mean over episodes (each counts once) with a t interval over clusters (df C-1).

    Args:
        scores: one per row; None or nan is unscored.
        clusters: one id per row: the task, or something coarser.
    """
    values = as_scores(scores)
    _, codes = encode(clusters, len(values), "cluster")
    scored = ~np.isnan(values)
    kept, codes = values[scored], codes[scored]
    se = clustered_se(kept, codes) if len(kept) else 0.0
    return _t_estimate(kept, se, len(kept), len(np.unique(codes)), len(values) - len(kept), level, "t")


def task_mean(
    scores: Scores, tasks: Ids, clusters: dict[Hashable, Hashable] | None = None, *, level: float = 0.95
) -> Estimate:
    """Mean over tasks of the mean inside each task (each task counts once), with a t interval: the default everywhere.

    Args:
        scores: one per row; None or nan is unscored.
        tasks: one task id per row.
        clusters: task -> coarser cluster, where tasks share a template, a document or a simulated person.

    Equals `row_mean` when all tasks have the same number of scored rows.
    """
    rows = task_means(scores, tasks)
    _, codes = encode(cluster_of_tasks(rows.tasks, clusters), len(rows.tasks), "cluster")
    se = clustered_se(rows.means_T, codes) if len(codes) else 0.0
    n = int(rows.trials_T.sum())
    return _t_estimate(rows.means_T, se, n, len(np.unique(codes)), rows.unscored, level, "t")


def success_rate(
    outcomes: Scores, tasks: Ids, clusters: dict[Hashable, Hashable] | None = None, *, level: float = 0.95
) -> Estimate:
    """Mean over tasks of outcomes in [0, 1]; where all are 0 or all are 1, Wilson over clusters, never "0 +- 0".

    Wilson over clusters counts each cluster as one draw, whatever its number of trials: wide on purpose.

    Raises:
        TurnwiseError: an outcome outside [0, 1].
    """
    values = as_scores(outcomes)
    outside = values[(values < 0) | (values > 1)]
    if len(outside):
        raise TurnwiseError(f"outcome {outside[0]}", "outcomes from 0 to 1", "use task_mean for returns")
    estimate = task_mean(outcomes, tasks, clusters, level=level)
    if estimate.value not in (0.0, 1.0):
        return estimate
    whole = wilson(int(estimate.value) * estimate.clusters, estimate.clusters, level=level)
    return Estimate(
        estimate.value, estimate.n, whole.low, whole.high, estimate.se, estimate.clusters, estimate.unscored,
        "wilson over clusters", level,
    )  # fmt: skip


def wilson(successes: int, n: int, *, level: float = 0.95, unscored: int = 0) -> Estimate:
    """Wilson interval of one rate over independent 0/1 rows.

    centre = (p + z^2/2n) / (1 + z^2/n);   half = z * sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n)
    """
    if not 0 <= successes <= n:
        raise TurnwiseError(f"{successes} successes of {n}", "a count from 0 to n", "count scored rows only")
    if n == 0:
        return Estimate(None, 0, unscored=unscored, method="wilson", level=level)
    z, p = normal_quantile((1 + level) / 2), successes / n
    shrink = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    low = 0.0 if successes == 0 else centre - half  # exactly 0 and 1 there; rounding would leave 1e-17
    high = 1.0 if successes == n else centre + half
    return Estimate(p, n, low, high, math.sqrt(p * (1 - p) / n), n, unscored, "wilson", level)


def worst_and_best(scores: Scores, tasks: Ids, *, lowest: float = 0.0, highest: float = 1.0) -> tuple[float, float]:
    """Task mean if every unscored row had been the lowest, and the highest, possible score."""
    values = as_scores(scores)
    bounds = [
        task_means(np.where(np.isnan(values), filled, values), tasks).means_T.mean() for filled in (lowest, highest)
    ]
    return float(bounds[0]), float(bounds[1])


def _t_estimate(
    units: np.ndarray, se: float, n: int, clusters: int, unscored: int, level: float, method: str
) -> Estimate:
    """Mean of the units with m +- t_{1 - alpha/2, clusters - 1} * SE; without an interval below two clusters."""
    if not len(units):
        return Estimate(None, 0, clusters=0, unscored=unscored, method=method, level=level)
    mean = float(units.mean())
    if clusters < 2:
        return Estimate(mean, n, clusters=clusters, unscored=unscored, method=method, level=level)
    half = student_quantile((1 + level) / 2, clusters - 1) * se
    return Estimate(mean, n, mean - half, mean + half, se, clusters, unscored, method, level)
