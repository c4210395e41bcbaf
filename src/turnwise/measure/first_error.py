"""Where an episode first went wrong, and how exactly that is found.

Turns are counted from 1; None is an episode without an error. Source: specs/evaluate/first-error-recovery-loops (after
Agent-R, arXiv 2501.11425).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turnwise.core.errors import UnknownName
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import success_rate, wilson
from turnwise.measure.rows import Ids

GOOD, UNCERTAIN, BAD = LABELS = ("good", "uncertain", "bad")

DROP = 0.2
"""Loss of value above which an act is an error, in the world's reward units: the sheet's, for returns of 0 to 1."""

Place = int | None


def first_error(labels: Sequence[str]) -> Place:
    """The first turn labelled bad; an uncertain one does not count."""
    if unknown := set(labels) - set(LABELS):
        raise UnknownName("label of a turn", sorted(unknown)[0], LABELS)
    return labels.index(BAD) + 1 if BAD in labels else None


def first_drop(advantages: Sequence[float] | np.ndarray, drop: float = DROP) -> Place:
    """The first turn that lost more than `drop` of value.

    Args:
        advantages: of each act, value after it (with what it earned) minus value before it: exact, or estimated from at
            least 16 rollouts of each state.
    """
    wrong = np.flatnonzero(-np.asarray(advantages, np.float64) > drop)
    return int(wrong[0]) + 1 if len(wrong) else None


def relative_position(place: Place, turns: int) -> float | None:
    """How far into the episode, from just above 0 to 1; None without an error."""
    return None if place is None else place / turns


def uncertain_share(labels: Sequence[Sequence[str]]) -> float | None:
    """Share of all labels that are uncertain: a weak judge hides behind them. None without a label."""
    flat = [label for of_episode in labels for label in of_episode]
    return flat.count(UNCERTAIN) / len(flat) if flat else None


def located(
    found: Sequence[Place], gold: Sequence[Place], tasks: Ids, within: int = 0, level: float = 0.95
) -> Estimate:
    """Share of episodes whose error was found within so many turns of where it is; none where there is none counts.

    `within` 0 is exact@0.
    """
    hits = [float(hit(e, truth, within)) for e, truth in zip(found, gold, strict=True)]
    return success_rate(hits, tasks, level=level)


def hit(found: Place, gold: Place, within: int = 0) -> bool:
    """Whether both say none, or turns at most `within` apart."""
    if found is None or gold is None:
        return found is gold
    return abs(found - gold) <= within


def detection(found: Sequence[Place], gold: Sequence[Place]) -> tuple[Estimate, Estimate]:
    """Precision and recall of "has an error", wherever it is; not scored where nothing was found, or there is none."""
    pairs = list(zip(found, gold, strict=True))
    both = sum(e is not None and truth is not None for e, truth in pairs)
    return wilson(both, sum(e is not None for e, _ in pairs)), wilson(
        both, sum(truth is not None for _, truth in pairs)
    )
