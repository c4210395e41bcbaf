"""Metrics with uncertainty, paired comparisons, curves by turn."""

from __future__ import annotations

from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import naive_mean, row_mean, success_rate, task_mean, wilson
from turnwise.measure.normalised import Anchors, NormalisedScore, normalise
from turnwise.measure.paired import PairedDifference, non_inferior, paired_bootstrap, paired_difference
from turnwise.measure.ranking import Ranking, rank

__all__ = [
    "Anchors",
    "Estimate",
    "NormalisedScore",
    "PairedDifference",
    "Ranking",
    "naive_mean",
    "non_inferior",
    "normalise",
    "paired_bootstrap",
    "paired_difference",
    "rank",
    "row_mean",
    "success_rate",
    "task_mean",
    "wilson",
]
