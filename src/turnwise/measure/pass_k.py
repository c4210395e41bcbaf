"""pass@k, pass^k and best-of-k: what k fresh trials of a task would give, without bias, from n that were run.

Averaging over all subsets of size k is unbiased; c/n put into a power is not. Trials must be independent:
where they share a cache, a memory or a tree, the number is best@n. Source:
specs/evaluate/pass-at-k-and-pass-hat-k (after human-eval, tau2-bench).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import success_rate, task_mean
from turnwise.measure.rows import Scores, as_scores

SOLVED = 1 - 1e-6
"""Score from which a trial is a success (tau2-bench's tolerance); verifiers uses 0.5."""

Trials = Mapping[Hashable, Sequence[float | None]]
"""Task -> scores of its trials; None and nan are unscored and make n smaller."""


def pass_at_k(n: int, c: int, k: int) -> float | None:
    """1 - C(n-c, k) / C(n, k): the chance that at least one of k trials succeeds.

    Args:
        n: scored trials of the task.
        c: how many succeeded.
        k: size of the subset. More than n: None, unscored.

    Written as 1 - prod_{j=n-c+1..n} (1 - k/j), which holds for n of 10,000 and more.
    """
    _check_counts(n, c, k)
    if k > n:
        return None
    if k > n - c:
        return 1.0
    return float(1 - np.prod(1 - k / np.arange(n - c + 1, n + 1)))


def pass_hat_k(n: int, c: int, k: int) -> float | None:
    """pass^k = C(c, k) / C(n, k): the chance that all of k trials succeed; None where k exceeds n."""
    _check_counts(n, c, k)
    if k > n:
        return None
    if k > c:
        return 0.0
    return float(np.prod(1 - k / np.arange(c + 1, n + 1)))


def best_of_k(scores: Scores, k: int) -> float | None:
    """Expected maximum of k trials drawn without replacement: sum_j s_(j) * C(j-1, k-1) / C(n, k), s ascending.

    For 0/1 scores this is pass@k; unscored trials are left out; None where fewer than k are scored.
    """
    values = as_scores(scores)
    ranked = np.sort(values[~np.isnan(values)])
    n = len(ranked)
    _check_counts(n, 0, k)
    if k > n:
        return None
    j = np.arange(n, 1, -1)
    weights = k / n * np.concatenate([[1.0], np.cumprod(np.maximum(j - k, 0) / (j - 1))])  # of s_(n), s_(n-1), ...
    return float(weights @ ranked[::-1])


def pass_at_k_rate(trials: Trials, k: int, *, solved: float = SOLVED, level: float = 0.95) -> Estimate:
    """pass@k averaged over tasks, with the tasks as units; tasks with fewer than k scored trials are unscored."""
    return _over_tasks(
        trials,
        lambda scores: pass_at_k(len(scores), _successes(scores, solved), k),
        f"score >= {solved:g}",
        level,
    )


def pass_hat_k_rate(trials: Trials, k: int, *, solved: float = SOLVED, level: float = 0.95) -> Estimate:
    """pass^k averaged over tasks, with the tasks as units; tasks with fewer than k scored trials are unscored."""
    return _over_tasks(
        trials,
        lambda scores: pass_hat_k(len(scores), _successes(scores, solved), k),
        f"score >= {solved:g}",
        level,
    )


def best_of_k_mean(trials: Trials, k: int, *, level: float = 0.95) -> Estimate:
    """Best-of-k averaged over tasks, in the units of the scores."""
    kept = {task: as_scores(scores) for task, scores in trials.items()}
    return task_mean([best_of_k(scores, k) for scores in kept.values()], list(kept), level=level)


def largest_k(trials: Trials) -> int:
    """The largest k that leaves no task unscored: the smallest number of scored trials of a task."""
    return min((int(np.count_nonzero(~np.isnan(as_scores(scores)))) for scores in trials.values()), default=0)


def _over_tasks(
    trials: Trials, of_task: Callable[[np.ndarray], float | None], threshold: str, level: float
) -> Estimate:
    values = [as_scores(scores) for scores in trials.values()]
    estimate = success_rate([of_task(v[~np.isnan(v)]) for v in values], list(trials), level=level)
    return replace(estimate, method=f"{estimate.method}, success = {threshold}")


def _successes(scores: np.ndarray, solved: float) -> int:
    return int(np.count_nonzero(scores >= solved))


def _check_counts(n: int, c: int, k: int) -> None:
    if not (0 <= c <= n and k >= 1):
        raise TurnwiseError(f"n = {n}, c = {c}, k = {k}", "0 <= c <= n and k of 1 or more", "count scored trials only")
