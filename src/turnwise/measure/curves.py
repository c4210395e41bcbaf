"""Learning curves: how a score rose with what it cost, averaged over seeds, comparable at equal cost.

A round's score is that of the episodes it learned from, before the step: training tasks with their own draws, so a
curve says how learning went, and the evaluation at the end says how good the agent is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from turnwise.measure.quantiles import student_quantile
from turnwise.measure.rounds import calls_of

COSTS = ("calls", "seconds")
"""What a point of a curve has cost so far: agent turns that the world answered; seconds of the whole run, imitation
included."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One recipe; P rounds."""

    name: str
    calls: np.ndarray  # float64 [P]: world calls so far, mean over seeds
    seconds: np.ndarray  # float64 [P]: so far, mean over seeds
    value: np.ndarray  # float64 [P]: mean over seeds
    low: np.ndarray  # float64 [P]: 95 % interval over seeds; that of the round's own episodes where there is one seed
    high: np.ndarray  # float64 [P]
    seeds: int

    def at(self, cost: str, most: float, last: int = 5) -> float:
        """Mean of the last rounds that cost at most so much; nan where not even the first did."""
        there = np.flatnonzero(getattr(self, cost) <= most)
        return float(self.value[there[-last:]].mean()) if len(there) else float("nan")


def curve_of(name: str, runs: Sequence[Sequence[Mapping[str, Any]]], by: str) -> Curve | None:
    """The curve of a recipe.

    Args:
        runs: per seed the lines of metrics.jsonl.
        by: success, or return.

    Returns:
        None for a recipe that never plays itself, or whose world scores nothing.
    """
    found = [points(lines, by) for lines in runs]
    if not found or not all(len(p) for p in found):
        return None
    shortest = min(len(p) for p in found)  # runs that were made together are as long; none is extended
    stacked = np.array([p[:shortest] for p in found])  # [seeds, P, (calls, seconds, value, low, high)]
    calls, seconds, value, low, high = stacked.mean(0).T
    if len(runs) > 1:
        half = student_quantile(0.975, len(runs) - 1) * stacked[:, :, 2].std(0, ddof=1) / np.sqrt(len(runs))
        low, high = value - half, value + half
    return Curve(name, calls, seconds, value, low, high, len(runs))


def points(lines: Sequence[Mapping[str, Any]], by: str) -> list[tuple[float, float, float, float, float]]:
    """(calls, seconds, value, low, high) of each round in which the agent itself played and learned."""
    calls = seconds = 0.0
    found = []
    for line in lines:
        own = line["kind"] == "train" and line["tokens"]["written"]
        if own and line[by]["value"] is not None:
            score = line[by]
            ends = [score["value"] if score[end] is None else score[end] for end in ("low", "high")]
            found.append((calls, seconds, score["value"], *ends))
        if own:
            calls += calls_of(line)
        seconds += sum(line["seconds"].values())
    return found


def equal(curves: Sequence[Curve], cost: str) -> tuple[float, dict[str, float]]:
    """The most that all of them have spent, and how each stood there."""
    most = min(float(getattr(curve, cost)[-1]) for curve in curves)
    return most, {curve.name: curve.at(cost, most) for curve in curves}
