"""Gated reward accumulation (G-RA): step scores count only in episodes whose outcome reached a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import piece_sums, spread
from turnwise.credit.rloo import Rloo
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping


def gates(levels_EL: np.ndarray, thresholds: Sequence[float], strict: bool = False) -> np.ndarray:
    """Which levels count: g_l = product over the levels j above l of 1[level_j >= threshold_j], bool (E, L).

    Args:
        levels_EL: what each episode scored on each level, highest priority first; the first always counts.
        thresholds: L - 1 of them, of all levels but the last. All -inf: every level counts (D-RA). First one
            +inf: the first level alone.
        strict: the level must be above its threshold, not at it; sources disagree.

    Source: arXiv 2508.10548, specs/credit/gated-reward-accumulation, specs/evaluate/reward-hacking-monitors.
    """
    if len(thresholds) != levels_EL.shape[1] - 1:
        raise TurnwiseError(
            f"{len(thresholds)} thresholds for {levels_EL.shape[1]} levels",
            f"{levels_EL.shape[1] - 1}: one for each level but the last, which opens nothing",
            "set thresholds to one number per level that opens another: first the outcome's",
        )
    above = levels_EL[:, :-1]
    reached = above > thresholds if strict else above >= thresholds
    first = np.ones((len(levels_EL), 1), dtype=bool)
    return np.concatenate([first, np.logical_and.accumulate(reached, axis=1)], axis=1)


def gated_steps(
    outcome_E: np.ndarray,
    steps_LT: Sequence[np.ndarray],
    starts_E1: np.ndarray,
    thresholds: Sequence[float] = (0.0,),
    strict: bool = False,
    cap: float = np.inf,
) -> np.ndarray:
    """What step scores add to the reward of each turn, (T,): r_low[t] where the gate is open, exactly 0 elsewhere.

    Args:
        outcome_E: r_high, the return of each episode.
        steps_LT: step scores, one array (T,) per level, higher priority first; a level's score for the gates
            below it is its sum over the episode.
        starts_E1: offsets of the episodes.
        thresholds: of the outcome and of each level but the last.
        strict: see `gates`.
        cap: what the steps of one episode may add in all; more is scaled down evenly.

    R = r_high + g * sum_t r_low[t]. Closed gate: the outcome alone; thresholds of -inf: plain sum (D-RA).
    """
    levels = [outcome_E, *(piece_sums(step_T, starts_E1) for step_T in steps_LT)]
    open_EL = gates(np.stack(levels, axis=1), thresholds, strict)
    added_T = np.zeros(starts_E1[-1])
    for number, step_T in enumerate(steps_LT, start=1):
        added_T = added_T + np.where(spread(open_EL[:, number], starts_E1), step_T, 0.0)
    total_E = piece_sums(added_T, starts_E1)
    over_E = total_E > cap
    return added_T * spread(np.where(over_E, cap / np.where(over_E, total_E, 1.0), 1.0), starts_E1)


@dataclass(frozen=True)
class Gated(Shaping):
    """Outcome plus the step scores of the episodes that passed, then another rule (leave-one-out on totals).

    thresholds=(-inf,): D-RA, the ungated control. (inf,): the inner rule on the outcome. Where failure pays 0 and
    success 1, a threshold of 0 is always reached: set 1.0, or strict. Source: specs/credit/gated-reward-accumulation.
    """

    name: ClassVar[str] = "gated"
    needs: ClassVar[frozenset[str]] = frozenset({"signals", "group"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("step",)
    reads_E: ClassVar[tuple[str, ...]] = ()
    biased: ClassVar[str] = (
        "episodes that pass the gate are paid for step scores too, so long successes beat short ones"
    )
    signals: tuple[str, ...] = ("step",)  # names of the step scores, one per level, higher priority first
    thresholds: tuple[float, ...] = (0.0,)  # of the return, then of each level's sum but the last; -inf: no gate
    strict: bool = False  # a level must lie above its threshold, not at it
    cap: float = np.inf  # most that the steps of one episode may add to its outcome
    inner: CreditRule = Rloo()  # turns these rewards into credit

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.thresholds) != len(self.signals):
            raise TurnwiseError(
                f"thresholds = {self.thresholds} with signals = {self.signals}",
                "as many thresholds as signals: of the return, and of each level but the last",
                "set thresholds to one number per signal",
            )

    def shaped(self, x: CreditInput) -> np.ndarray:
        steps = [x.signal(name, self.name) for name in self.signals]
        added_T = gated_steps(x.returns_E, steps, x.starts_E1, self.thresholds, self.strict, self.cap)
        return x.rewards_T + added_T
