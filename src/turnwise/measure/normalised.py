"""Worlds with different reward scales on one axis: 0 the worst return, 50 the data's mean return, 100 the best.

The number has no meaning without its anchors, so it carries them. Source: specs/evaluate/normalised-score
(after LMRL-Gym).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.estimate import Estimate


@dataclass(frozen=True)
class Anchors:
    """The three returns that fix a world's scale, and where they come from."""

    worst: float  # smallest attainable return
    data: float  # mean return of the behaviour data, or of a reference policy
    best: float  # largest attainable return
    origin: str  # what the data are: "1,000 expert episodes", "reference policy NAME"
    data_hash: str | None = None  # hash of the data set, None for a reference policy

    def __post_init__(self) -> None:
        if not self.worst < self.data < self.best:
            raise TurnwiseError(
                f"anchors {self.worst:g}, {self.data:g}, {self.best:g}",
                "worst < data < best, none equal",
                "take worst and best from the world's own bounds, and data that are neither",
            )

    def score(self, mean_return: float) -> float:
        """50 * (r - worst) / (data - worst) up to the data's mean, 50 + 50 * (r - data) / (best - data) above it.

        Of a MEAN return: the map is kinked, so the mean of episode scores is another number.

        Raises:
            TurnwiseError: a return outside the anchors; one of them is wrong.
        """
        if not self.worst <= mean_return <= self.best:
            raise TurnwiseError(
                f"a mean return of {mean_return:g}",
                f"one between the worst ({self.worst:g}) and the best ({self.best:g}) that the world allows",
                "correct the anchor: the world can do what it says it cannot",
            )
        return self.carried(mean_return)

    def carried(self, mean_return: float) -> float:
        """The same two lines, carried on beyond the ends: an interval may reach outside."""
        if mean_return <= self.data:
            return 50 * (mean_return - self.worst) / (self.data - self.worst)
        return 50 + 50 * (mean_return - self.data) / (self.best - self.data)


@dataclass(frozen=True)
class NormalisedScore:
    """A normalised mean return with the anchors that it stands on."""

    score: Estimate  # on the 0-50-100 axis; the interval is the mapped interval of the mean return, so coverage is kept
    mean_return: Estimate  # in world units
    anchors: Anchors

    def __str__(self) -> str:
        a = self.anchors
        return f"{self.score}; 0 = {a.worst:g}, 50 = {a.data:g} ({a.origin}), 100 = {a.best:g}"


def normalise(mean_return: Estimate, anchors: Anchors) -> NormalisedScore:
    """Put a mean return and its interval on the axis. No standard error: the map has a kink."""
    value, low, high = mean_return.value, mean_return.low, mean_return.high
    score = Estimate(
        None if value is None else anchors.score(value),
        mean_return.n,
        None if low is None else anchors.carried(low),
        None if high is None else anchors.carried(high),
        clusters=mean_return.clusters,
        unscored=mean_return.unscored,
        method=f"{mean_return.method}, mapped",
        level=mean_return.level,
    )
    return NormalisedScore(score, mean_return, anchors)


def interquartile_mean(scores: Sequence[float] | np.ndarray) -> float:
    """Mean of the middle half: each of n sorted scores holds 1/n of the axis, and counts by its share of [1/4, 3/4].

    For aggregating a few worlds; print the per-world list beside it.
    """
    ranked = np.sort(np.asarray(scores, dtype=np.float64))
    edges = np.clip(np.arange(len(ranked) + 1) / len(ranked), 0.25, 0.75)
    return float(np.diff(edges) @ ranked / 0.5)
