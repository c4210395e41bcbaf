"""REINFORCE: each turn is given the discounted rewards from itself on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.ragged import check_starts, scan_back
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def reward_to_go(rewards_T: np.ndarray, starts_E1: np.ndarray, gamma: float = 1.0) -> np.ndarray:
    """A[i, t] = sum_{k >= t} gamma^(k - t) r[i, k].

    Args:
        rewards_T: reward of each agent turn.
        starts_E1: offsets of the episodes.
        gamma: discount per turn; user and tool messages cost none.

    Returns:
        credit (T,). Equals turn GAE at lambda 1 with a critic that says 0; equals r at gamma 0.
        Source: specs/credit/baselines.
    """
    starts_E1 = check_starts(starts_E1, len(rewards_T), "starts_E1")
    return scan_back(rewards_T, starts_E1, gamma)


@dataclass(frozen=True)
class RewardToGo:
    """REINFORCE without a baseline. A cut episode counts what it earned: nothing is bootstrapped."""

    name: ClassVar[str] = "reward-to-go"
    needs: ClassVar[frozenset[str]] = frozenset()
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    gamma: float = 1.0  # discount per turn
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma)
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        credit_T = reward_to_go(x.rewards_T, x.starts_E1, self.gamma)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
