"""Two agents on the same tasks: the difference with an interval, and an exact test.

Difficulty is shared, so scores are subtracted task by task before averaging; two intervals that overlap are
not a test. Pairing supposes the same task seeds and the same simulated user. Source:
specs/evaluate/paired-comparison.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.bootstrap import bootstrap_mean
from turnwise.measure.estimate import decimals
from turnwise.measure.intervals import clustered_se
from turnwise.measure.matched import PerTask, match
from turnwise.measure.quantiles import student_p, student_quantile
from turnwise.measure.rows import cluster_of_tasks, encode
from turnwise.measure.sign_flip import sign_flip_p


@dataclass(frozen=True)
class PairedDifference:
    """Mean over tasks of a's score minus b's.

    The interval, its standard error and the t test are None where the differences cannot carry them: fewer
    than two clusters, or every difference the same. The sign-flip p is there always.
    """

    difference: float  # D, in the units of the scores
    low: float | None
    high: float | None
    se: float | None
    sd: (
        float | None
    )  # sd of the per-task difference; with coarser clusters se * sqrt(T), which carries their correlation
    t: float | None  # D / se
    t_p: float | None  # two-sided p of the t test at df = clusters - 1
    p: float  # two-sided sign-flip p
    exact: bool  # True where every sign vector was counted
    mean_a: float
    mean_b: float
    tasks: int
    clusters: int
    discordant: int  # tasks on which the two differ
    episodes: int  # scored trials of both on these tasks
    dropped: int  # tasks that only one of them has a score on
    unscored: int
    method: str = "t"
    level: float = 0.95

    @property
    def note(self) -> str | None:
        """Why there is no interval, or None."""
        if self.low is not None:
            return None
        if not self.discordant:
            return f"no discordant task among {self.tasks}"
        return "one cluster: no interval" if self.clusters < 2 else "every task differs by the same: no interval"

    def __str__(self) -> str:
        digits = decimals(None if self.low is None or self.high is None else (self.high - self.low) / 2)
        between = self.note if self.low is None else f"[{self.low:+.{digits}f}, {self.high:+.{digits}f}]"
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        unscored = f", {self.unscored} unscored" if self.unscored else ""
        return f"{self.difference:+.{digits}f} {between}, p={self.p:.2g} ({self.tasks} tasks{dropped}{unscored})"


def paired_difference(
    a: PerTask,
    b: PerTask,
    *,
    rng: np.random.Generator,
    clusters: dict[Hashable, Hashable] | None = None,
    level: float = 0.95,
    flips: int = 10_000,
) -> PairedDifference:
    """D = mean_t(a_t - b_t) with D +- t_{1 - alpha/2, C-1} * SE over clusters of tasks, and the sign-flip test.

    Args:
        a, b: task -> score or scores of its trials, averaged inside the task.
        rng: draws sign flips where there are too many to enumerate.
        clusters: task -> coarser cluster; each task its own by default.
        flips: number of drawn sign flips.

    Raises:
        TurnwiseError: no task in common.
    """
    pair = match(a, b)
    d_T = pair.differences_T
    _, codes = encode(cluster_of_tasks(pair.tasks, clusters), len(d_T), "cluster")
    count = int(codes.max()) + 1
    p, exact = sign_flip_p(np.bincount(codes, weights=d_T), rng=rng, flips=flips)
    difference, se = float(d_T.mean()), clustered_se(d_T, codes)
    found = PairedDifference(
        difference=difference, low=None, high=None, se=None, sd=None, t=None, t_p=None, p=p, exact=exact,
        mean_a=float(pair.a_T.mean()), mean_b=float(pair.b_T.mean()), tasks=len(d_T), clusters=count,
        discordant=int(np.count_nonzero(d_T)), episodes=int(pair.trials_a_T.sum() + pair.trials_b_T.sum()),
        dropped=pair.dropped, unscored=pair.unscored, level=level,
    )  # fmt: skip
    if se <= 1e-12 * np.abs(d_T).max():  # also with one cluster, where se is 0
        return found
    half, t = student_quantile((1 + level) / 2, count - 1) * se, difference / se
    return replace(
        found,
        low=difference - half,
        high=difference + half,
        se=se,
        sd=se * math.sqrt(len(d_T)),
        t=t,
        t_p=student_p(t, count - 1),
    )


def paired_bootstrap(
    a: PerTask,
    b: PerTask,
    *,
    rng: np.random.Generator,
    clusters: dict[Hashable, Hashable] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    flips: int = 10_000,
) -> PairedDifference:
    """As `paired_difference`, with the quantile interval and SE of the bootstrap over clusters of tasks."""
    found = paired_difference(a, b, rng=rng, clusters=clusters, level=level, flips=flips)
    if found.low is None:
        return replace(found, method="bootstrap")
    pair = match(a, b)
    drawn = bootstrap_mean(
        pair.differences_T, cluster_of_tasks(pair.tasks, clusters), rng=rng, resamples=resamples, level=level
    )
    return replace(found, low=drawn.low, high=drawn.high, se=drawn.se, method=drawn.method)


@dataclass(frozen=True)
class NonInferiority:
    """Whether a is no worse than b by more than a margin that was fixed before the run."""

    holds: bool | None  # None where the differences carry no bound
    bound: float | None  # lower bound of the one-sided interval of a - b
    margin: float
    level: float


def non_inferior(found: PairedDifference, margin: float, *, level: float = 0.95) -> NonInferiority:
    """Holds when the lower bound of the one-sided interval of D exceeds -margin: D - t_{level, C-1} * SE > -margin.

    Raises:
        TurnwiseError: a margin that is not above 0.
    """
    if margin <= 0:
        raise TurnwiseError(
            f"margin = {margin}", "a number above 0, in the units of the scores", "fix it before the run"
        )
    if found.se is None:
        return NonInferiority(None, None, margin, level)
    bound = found.difference - student_quantile(level, found.clusters - 1) * found.se
    return NonInferiority(bound > -margin, bound, margin, level)
