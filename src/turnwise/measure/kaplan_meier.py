"""Time to success where some episodes were stopped without an outcome: the Kaplan-Meier estimate.

Source: specs/evaluate/success-at-turn (textbook survival analysis; giving up is a competing event).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from turnwise.core.errors import TurnwiseError

Outcome = Literal["solved", "censored", "abandoned"]


@dataclass(frozen=True, eq=False)
class SolvedOverTime:
    """Estimated share of episodes solved by each turn on which at least one was."""

    turns: np.ndarray  # int64 (K,): event turns, ascending
    at_risk: np.ndarray  # int64 (K,): episodes that could still be solved on that turn
    solved: np.ndarray  # int64 (K,): solved on it
    solved_by: np.ndarray  # float64 (K,): 1 - product over event turns j <= t of (1 - solved_j / at_risk_j)

    def at(self, turn: int) -> float:
        """Share solved by any turn: 0 before the first event, flat between events."""
        place = int(np.searchsorted(self.turns, turn, side="right"))
        return float(self.solved_by[place - 1]) if place else 0.0


def kaplan_meier(turns: Sequence[int] | np.ndarray, outcomes: Sequence[Outcome]) -> SolvedOverTime:
    """1 - S of the event "solved".

    Args:
        turns: last turn of each episode, counted from 1.
        outcomes: "solved" on that turn; "censored" after it (turn budget, infrastructure); "abandoned" by the
            agent, which is a failure: such an episode stays at risk on all later turns, so that quitting
            early cannot raise the estimate.

    Equals S(t) when nothing is censored before the last event.
    """
    last = np.asarray(turns, dtype=np.int64)
    said = np.asarray(outcomes, dtype=str)
    unknown = np.setdiff1d(said, ["solved", "censored", "abandoned"])
    if len(unknown) or len(said) != len(last) or not len(last):
        raise TurnwiseError(
            f"{len(last)} turns, {len(said)} outcomes" + (f", one of them {unknown[0]!r}" if len(unknown) else ""),
            "one outcome per episode: solved, censored or abandoned",
            "map end reasons: success -> solved, budget or infrastructure -> censored, agent stop -> abandoned",
        )
    stays = np.where(said == "abandoned", np.iinfo(np.int64).max, last)
    events, solved = np.unique(last[said == "solved"], return_counts=True)
    at_risk = (stays >= events[:, None]).sum(axis=1)
    return SolvedOverTime(events, at_risk, solved, 1 - np.cumprod(1 - solved / at_risk))
