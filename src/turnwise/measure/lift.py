"""Does a score find the positives, and did a rate rise: AUROC, and lift with its interval (specs/evaluate/
reward-hacking-monitors).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.quantiles import normal_quantile


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Probability that a positive scores above a negative, ties counted half.

    Raises:
        TurnwiseError: one of the two is empty.
    """
    if not len(positives) or not len(negatives):
        raise TurnwiseError(f"{len(positives)} positives and {len(negatives)} negatives", "one of each or more")
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([positives, negatives]))
    count = len(positives)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(negatives)))


@dataclass(frozen=True)
class Lift:
    """A new rate beside an old one. Intervals are of 95 %."""

    lift: float  # (new - old) / old
    ratio_low: float  # of new / old, normal on its logarithm
    ratio_high: float
    difference: float  # new - old
    half_width: float  # of the difference's interval


def lift(new: int, new_of: int, old: int, old_of: int) -> Lift:
    """The rise from `old` in `old_of` to `new` in `new_of`.

    Raises:
        TurnwiseError: a count of 0, whose ratio has no interval, or one above its total.
    """
    if not (0 < new <= new_of and 0 < old <= old_of):
        raise TurnwiseError(
            f"{new} of {new_of} against {old} of {old_of}", "counts from 1 to their totals", "collect more episodes"
        )
    a, b, z = new / new_of, old / old_of, normal_quantile(0.975)
    on_log = z * math.sqrt((1 - a) / new + (1 - b) / old)
    half = z * math.sqrt(a * (1 - a) / new_of + b * (1 - b) / old_of)
    return Lift(a / b - 1, a / b * math.exp(-on_log), a / b * math.exp(on_log), a - b, half)
