"""Sign-flip test: if two agents are equal, each paired difference could as well have had the other sign."""

from __future__ import annotations

import numpy as np

from turnwise.measure.bootstrap import MOST_ENUMERATED

SLACK = 1e-12
"""Sums this close, relative to the sum of absolute differences, are equal: ties must not hang on rounding."""


def sign_flip_p(differences: np.ndarray, *, rng: np.random.Generator, flips: int = 10_000) -> tuple[float, bool]:
    """Share of sign vectors e in {-1, +1}^T with |sum e_t d_t| >= |sum d_t|, and whether all were counted.

    Args:
        differences: d (T,), one per task; sums per cluster where tasks are clustered. Zeros change nothing.
        rng: read only when the 2^T sign vectors of the nonzero differences are more than 20,000 (15 tasks).
        flips: how many are drawn then; the observed signs count as one more, so p is never 0.

    Returns:
        p, exact. The smallest possible p is 2 / 2^T. Source: specs/evaluate/paired-comparison.
    """
    moved = np.asarray(differences, dtype=np.float64)
    moved = moved[moved != 0]
    reach = abs(moved.sum()) - SLACK * np.abs(moved).sum()
    if 2.0 ** len(moved) <= MOST_ENUMERATED:
        sums = np.zeros(1)
        for difference in moved:
            sums = np.concatenate([sums + difference, sums - difference])
        return float(np.mean(np.abs(sums) >= reach)), True
    reached = 0
    for start in range(0, flips, 1000):
        heads = rng.integers(0, 2, size=(min(1000, flips - start), len(moved)), dtype=np.int8)
        reached += int(np.count_nonzero(np.abs((2 * heads - 1) @ moved) >= reach))
    return (1 + reached) / (1 + flips), False
