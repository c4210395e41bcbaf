"""Whether, and how soon, an episode comes back from an error (specs/evaluate/first-error-recovery-loops, whose
definitions are its own).

    recovery rate     successes among the episodes with an error / number of these
    time to recover   turns from the error to the first state worth as much as the one before it
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.estimate import Estimate
from turnwise.measure.first_error import Place
from turnwise.measure.intervals import success_rate
from turnwise.measure.kaplan_meier import Outcome
from turnwise.measure.rows import Ids, Scores, as_scores, encode

WORTH = 1e-9
"""Values closer than this are the same."""


def recovery_rate(errors: Sequence[bool], success: Scores, tasks: Ids, level: float = 0.95) -> Estimate:
    """Success given an error, tasks counting equally. Without any error there is nothing to recover from, and the rate
    is not scored.

    Args:
        errors: per episode, whether it holds a gold error.
        success: per episode, None where unscored.
    """
    kept = np.flatnonzero(np.asarray(errors, bool))
    names, codes = encode(tasks, len(errors), "task")
    return success_rate(as_scores(success)[kept], [names[codes[i]] for i in kept], level=level)


def recovery_by_severity(
    drops: Sequence[float | None], success: Scores, tasks: Ids, edges: Sequence[float], level: float = 0.95
) -> list[Estimate]:
    """The recovery rate of errors by what they cost, so that an agent that only makes harmless ones is seen.

    Args:
        drops: per episode, value lost by its first error; None without one.
        edges: ascending; a class holds the drops from one edge up to the next, the last one all above.
    """
    if list(edges) != sorted(edges) or not len(edges):
        raise TurnwiseError(f"edges {list(edges)}", "ascending losses of value, at least one")
    lost = np.array([np.nan if drop is None else drop for drop in drops], np.float64)
    tops = [*edges[1:], np.inf]
    return [
        recovery_rate(((lost >= low) & (lost < high)).tolist(), success, tasks, level)
        for low, high in zip(edges, tops, strict=True)
    ]


def time_to_recover(values: Sequence[float] | np.ndarray, error: Place) -> tuple[int, Outcome] | None:
    """Turns after the error until the state is worth what it was before it; None without an error.

    Args:
        values: of the states before each turn and after the last one, float64 (turns + 1): what is still to come.
        error: the turn, counted from 1.

    Returns:
        (turns, "solved"), or (turns that were left, "censored"): what `kaplan_meier` takes.
    """
    if error is None:
        return None
    worth = np.asarray(values, np.float64)
    if not 1 <= error < len(worth):
        raise TurnwiseError(f"an error in turn {error} of {len(worth) - 1}", "a turn of the episode, counted from 1")
    back = np.flatnonzero(worth[error:] >= worth[error - 1] - WORTH)
    return (int(back[0]), "solved") if len(back) else (len(worth) - 1 - error, "censored")
