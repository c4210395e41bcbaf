"""Whether an agent knows when it knows: stated probabilities against outcomes (specs/evaluate/calibration).

p_i is the probability stated with claim i, y_i is 1 where it was right. Claims about one task depend on each other: for
an interval hand `squared_errors` and its kin to `task_mean` with the tasks. ECE depends on its bins and is biased up
for few claims; print the Brier score beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError

Numbers = Sequence[float] | np.ndarray
CLIP = 1e-6
TENTHS = tuple(np.linspace(0.0, 1.0, 11).tolist())


@dataclass(frozen=True)
class Decomposition:
    """Brier = reliability - resolution + uncertainty, over groups of equal p."""

    reliability: float  # mean over claims of (p of the group - share right in it)^2
    resolution: float  # mean over claims of (share right in the group - share right)^2
    uncertainty: float  # share right * share wrong


def squared_errors(p: Numbers, y: Numbers) -> np.ndarray:
    """(p - y)^2 of each claim, float64 [n]; their mean is the Brier score."""
    p, y = _checked(p, y)
    return (p - y) ** 2


def brier(p: Numbers, y: Numbers) -> float:
    """Mean squared error of the probabilities: 0 is best, a constant 1/2 gets 1/4."""
    return float(squared_errors(p, y).mean())


def log_loss(p: Numbers, y: Numbers) -> float:
    """Mean of -log of what was given to what came, in nats; p is kept within 1e-6 of the ends."""
    p, y = _checked(p, y)
    p = np.clip(p, CLIP, 1.0 - CLIP)
    return float(-(y * np.log(p) + (1.0 - y) * np.log(1.0 - p)).mean())


def bias(p: Numbers, y: Numbers) -> float:
    """Mean of p - y: positive where too confident."""
    p, y = _checked(p, y)
    return float((p - y).mean())


def expected_calibration_error(p: Numbers, y: Numbers, edges: Sequence[float] = TENTHS) -> float:
    """Mean over claims of |mean p - share right| in their bin.

    Args:
        edges: increasing, of the bins [edge, next edge); the last one takes its end in.
    """
    p, y = _checked(p, y)
    inside = np.clip(np.searchsorted(np.asarray(edges), p, side="right") - 1, 0, len(edges) - 2)
    return _gap(p, y, inside)


def equal_count_calibration_error(p: Numbers, y: Numbers, bins: int = 10) -> float:
    """The same with bins of equal numbers of claims, in the order of p; sizes differ by one at most."""
    p, y = _checked(p, y)
    place = np.empty(len(p), np.int64)
    place[np.argsort(p, kind="stable")] = np.arange(len(p))
    return _gap(p, y, place * min(bins, len(p)) // len(p))


def decomposition(p: Numbers, y: Numbers) -> Decomposition:
    """Of the Brier score."""
    p, y = _checked(p, y)
    _, group = np.unique(p, return_inverse=True)
    sizes, base = np.bincount(group), float(y.mean())
    stated, right = (np.bincount(group, values) / sizes for values in (p, y))
    shares = sizes / len(p)
    return Decomposition(
        float(shares @ (stated - right) ** 2), float(shares @ (right - base) ** 2), base * (1.0 - base)
    )


def risk_coverage(p: Numbers, y: Numbers) -> np.ndarray:
    """Share wrong among the k most confident claims, k = 1..n: float64 [n]; ties in the order given.

    Its mean is the area under the curve.
    """
    p, y = _checked(p, y)
    return np.cumsum(1.0 - y[np.argsort(-p, kind="stable")]) / np.arange(1, len(p) + 1)


def selective(p: Numbers, y: Numbers, threshold: float) -> tuple[float, float | None]:
    """Coverage, the share of claims with p at least the threshold, and the share right among them (None: there are
    none).
    """
    p, y = _checked(p, y)
    kept = p >= threshold
    return float(kept.mean()), float(y[kept].mean()) if kept.any() else None


def _gap(p: np.ndarray, y: np.ndarray, inside: np.ndarray) -> float:
    """Sum over bins of |sum p - sum y|, per claim."""
    return float(np.abs(np.bincount(inside, p) - np.bincount(inside, y)).sum() / len(p))


def _checked(p: Numbers, y: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 [n].

    Raises:
        TurnwiseError: no claims, unequal numbers, p outside [0, 1], y that is neither 0 nor 1.
    """
    stated, right = np.asarray(p, np.float64), np.asarray(y, np.float64)
    if stated.shape != right.shape or stated.ndim != 1 or not len(stated):
        raise TurnwiseError(f"probabilities {stated.shape} and outcomes {right.shape}", "as many, and at least one")
    if not ((stated >= 0.0) & (stated <= 1.0)).all() or not np.isin(right, (0.0, 1.0)).all():
        raise TurnwiseError(
            "a probability outside [0, 1], or an outcome that is neither 0 nor 1",
            "stated probabilities and whether each claim was right",
            "divide a confidence from 1 to 10 by 10",
        )
    return stated, right
