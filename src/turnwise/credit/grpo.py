"""GRPO: the z-score of an episode's return in its group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.groups import check_z, group_numbers, z_in_group
from turnwise.credit.ragged import spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def grpo(returns_E: np.ndarray, group_E: np.ndarray, ddof: int = 1, eps: float = 1e-6) -> np.ndarray:
    """A_i = (R_i - mean R) / (std R + eps), mean and std over the episodes of the group.

    Args:
        returns_E: return of each episode.
        group_E: id of its group; groups may differ in size.
        ddof: 1 sample std (verl), 0 population std; at G = 2 the two differ by 1.41.
        eps: keeps a group without spread finite.

    Returns:
        credit (E,). Dr. GRPO divided by the group's std: true within a task, but tasks of rare or nearly sure
        success are weighted up. A group of one gets 0. Statistics over rows (turns) instead would let long
        episodes weigh more.
        Source: arXiv 2402.03300, specs/credit/baselines.
    """
    return z_in_group(returns_E, *group_numbers(group_E, returns_E), ddof, eps)


@dataclass(frozen=True)
class Grpo:
    """Group z-score, the same for every turn of an episode."""

    name: ClassVar[str] = "grpo"
    needs: ClassVar[frozenset[str]] = frozenset({"group"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "each group is divided by its own spread: a mere factor where returns take two values, otherwise far returns "
        "count for less"
    )
    ddof: int = 1  # 1 sample standard deviation (verl), 0 population
    eps: float = 1e-6  # added to the standard deviation
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_whiten(self.whiten)
        check_z(self.ddof, self.eps)

    def assign(self, x: CreditInput) -> CreditResult:
        credit_T = spread(grpo(x.returns_E, x.given("group_E", self.name), self.ddof, self.eps), x.starts_E1)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
