"""Two agents matched task by task. A pair is void where only one of them has a score."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError

PerTask = Mapping[Hashable, float | None | Sequence[float | None]]
"""Task -> score, or the scores of its trials; None and nan are unscored."""


@dataclass(frozen=True, eq=False)
class Matched:
    """Mean scores of two agents on the tasks that both have."""

    tasks: tuple[Hashable, ...]  # in the order of the first agent
    a_T: np.ndarray  # float64: mean over a's scored trials of each task
    b_T: np.ndarray  # float64: the same for b
    trials_a_T: np.ndarray  # int64: scored trials of a
    trials_b_T: np.ndarray  # int64: scored trials of b
    dropped: int  # tasks that only one of them has a score on
    unscored: int  # trials without a score, of both

    @property
    def differences_T(self) -> np.ndarray:
        """a - b per task, exactly 0 where the two differ by rounding only (their trials averaged in another order)."""
        d_T = self.a_T - self.b_T
        return np.where(np.abs(d_T) <= 1e-12 * np.maximum(np.abs(self.a_T), np.abs(self.b_T)), 0.0, d_T)


def match(a: PerTask, b: PerTask) -> Matched:
    """Intersect the tasks of two agents and average the trials inside each.

    Raises:
        TurnwiseError: no task is scored for both.
    """
    (means_a, unscored_a), (means_b, unscored_b) = scored_means(a), scored_means(b)
    tasks = tuple(task for task in means_a if task in means_b)
    if not tasks:
        raise TurnwiseError(
            f"{len(means_a)} scored tasks of one agent, {len(means_b)} of the other, and none in common",
            "at least one task that both have a score on",
            "run both agents on the same task keys (same world, split and seed)",
        )
    mean_a, trials_a = np.array([means_a[task] for task in tasks]).T
    mean_b, trials_b = np.array([means_b[task] for task in tasks]).T
    return Matched(
        tasks,
        mean_a,
        mean_b,
        trials_a.astype(np.int64),
        trials_b.astype(np.int64),
        len(means_a.keys() ^ means_b.keys()),
        unscored_a + unscored_b,
    )


def scored_means(scores: PerTask) -> tuple[dict[Hashable, tuple[float, int]], int]:
    """Mean and number of the scored trials of each task that has one, and the number of unscored trials."""
    means, unscored = {}, 0
    for task, found in scores.items():
        trials = np.atleast_1d(np.asarray(found, dtype=np.float64))
        kept = trials[~np.isnan(trials)]
        unscored += len(trials) - len(kept)
        if len(kept):
            means[task] = (float(kept.mean()), len(kept))
    return means, unscored
