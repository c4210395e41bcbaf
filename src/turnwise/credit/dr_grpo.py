"""Dr. GRPO: an episode's return minus the mean of its group, divided by nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.groups import centred_in_group, group_numbers
from turnwise.credit.ragged import spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def dr_grpo(returns_E: np.ndarray, group_E: np.ndarray) -> np.ndarray:
    """A_i = R_i - mean R over the group.

    Args:
        returns_E: return of each episode.
        group_E: id of its group; groups may differ in size.

    Returns:
        credit (E,). Its expected gradient is (G - 1) / G times the true one, since the mean knows the
        episode's own return; groups of unequal size are so weighted unequally, which RLOO corrects. A group
        of one gets 0. The learner's half of the method is a loss summed over tokens and divided by a
        constant, not by the episode's length.
        Source: arXiv 2503.20783, specs/credit/baselines.
    """
    return centred_in_group(returns_E, *group_numbers(group_E, returns_E))


@dataclass(frozen=True)
class DrGrpo:
    """Group-centred return, the same for every turn of an episode."""

    name: ClassVar[str] = "dr-grpo"
    needs: ClassVar[frozenset[str]] = frozenset({"group"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        credit_T = spread(dr_grpo(x.returns_E, x.given("group_E", self.name)), x.starts_E1)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
