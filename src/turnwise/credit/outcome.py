"""Outcome credit: every turn of an episode is given the episode's return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.ragged import check_starts, piece_sums, spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def outcome(rewards_T: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """A[i, t] = R_i = sum_k r[i, k], the whole episode's return at each of its turns.

    Args:
        rewards_T: reward of each agent turn.
        starts_E1: offsets of the episodes.

    Returns:
        credit (T,), unbiased and of the highest variance: rewards earned before a turn are noise to it.
        Equals reward-to-go with gamma 1 when the only reward falls on the last turn.
        Source: specs/credit/baselines.
    """
    starts_E1 = check_starts(starts_E1, len(rewards_T), "starts_E1")
    return spread(piece_sums(rewards_T, starts_E1), starts_E1)


@dataclass(frozen=True)
class Outcome:
    """The return, broadcast. A cut episode's return is what it earned so far."""

    name: ClassVar[str] = "outcome"
    needs: ClassVar[frozenset[str]] = frozenset()
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        return CreditResult("turn", whiten_turns(outcome(x.rewards_T, x.starts_E1), x, self.whiten))
