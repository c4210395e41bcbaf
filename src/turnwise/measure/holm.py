"""Holm's correction: several tests at once, with the chance of any false claim kept at the level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjusted p values: sorted ascending, adjusted p_(i) = max over j <= i of min(1, (m - j + 1) * p_(j)).

    Returns:
        float64 (m,), in the order given. Source: specs/evaluate/paired-comparison.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty(len(values))
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, np.arange(len(values), 0, -1) * values[order]))
    return adjusted
