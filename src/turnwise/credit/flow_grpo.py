"""Flow-GRPO as released: GRPO whose mean and spread count an episode once per turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.groups import check_z, group_numbers, z_in_group
from turnwise.credit.ragged import check_starts, spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def flow_grpo(
    returns_E: np.ndarray, starts_E1: np.ndarray, group_E: np.ndarray, ddof: int = 1, eps: float = 1e-6
) -> np.ndarray:
    """A[i, t] = (R_i - mean R) / (std R + eps), mean and std over the turns of the group, each carrying its R_i.

    Args:
        returns_E: return of each episode.
        starts_E1: offsets of the episodes.
        group_E: id of each episode's group.
        ddof: 1 sample std over turns, 0 population std.

    Returns:
        credit (T,). Equally long episodes and ddof 0: GRPO. Long episodes pull the mean: R = 1 over four turns and
        R = 0 over one give .447 and -1.789 where GRPO gives .707 and -.707. The paper's own form is GRPO; this is the
        data path of the released code. Source: specs/learn/flow_grpo, specs/credit/baselines.
    """
    starts_E1 = check_starts(starts_E1, int(starts_E1[-1]), "starts_E1")
    number_T = spread(group_numbers(group_E, returns_E)[0], starts_E1)
    size_T = np.bincount(number_T)[number_T]
    return z_in_group(spread(returns_E, starts_E1), number_T, size_T, ddof, eps)


@dataclass(frozen=True)
class FlowGrpo:
    """Group z-score over rows: one row per turn."""

    name: ClassVar[str] = "flow-grpo"
    needs: ClassVar[frozenset[str]] = frozenset({"group"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "an episode enters its own mean and spread once per turn, so its baseline depends on when it stopped"
    )
    ddof: int = 1  # 1 sample standard deviation (verl), 0 population
    eps: float = 1e-6  # added to the standard deviation
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_whiten(self.whiten)
        check_z(self.ddof, self.eps)

    def assign(self, x: CreditInput) -> CreditResult:
        credit_T = flow_grpo(x.returns_E, x.starts_E1, x.given("group_E", self.name), self.ddof, self.eps)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
