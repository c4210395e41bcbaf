"""RAPO: GRPO, scaled up by the share of groups that teach nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.groups import check_z, group_numbers
from turnwise.credit.grpo import grpo
from turnwise.credit.ragged import spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def rapo(returns_E: np.ndarray, group_E: np.ndarray, ddof: int = 1, eps: float = 1e-6) -> np.ndarray:
    """A_i = (groups / groups with any spread) * (R_i - mean R) / (std R + eps).

    Args:
        returns_E: return of each episode.
        group_E: id of each episode's group.
        ddof: 1 sample std, 0 population std.

    Returns:
        credit (E,). All groups useful: GRPO; none: zeros. It raises the step just when the batch says least, so keep
        clipping the gradient's norm. RAPO's pruning of tasks and its replay of old successes happen before: see
        `turnwise.explore.pruning` and `turnwise.learn.last_success`. Source: arXiv 2509.24107, specs/learn/rapo.
    """
    credit_E = grpo(returns_E, group_E, ddof, eps)
    number_E, _ = group_numbers(group_E, returns_E)
    useful = np.bincount(number_E, weights=credit_E != 0) > 0
    return credit_E * (len(useful) / max(useful.sum(), 1))


@dataclass(frozen=True)
class Rapo:
    """Group z-score times the batch's share of useful groups, inverted."""

    name: ClassVar[str] = "rapo"
    needs: ClassVar[frozenset[str]] = frozenset({"group"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = "as GRPO; and what a group says is multiplied by how little the others of the batch said"
    ddof: int = 1  # 1 sample standard deviation, 0 population; the paper does not say
    eps: float = 1e-6  # added to the standard deviation
    whiten: Whiten = "none"  # over what credit is whitened; it undoes the scaling
    scaled: bool = True  # False is GRPO
    signal: str = ""  # of a whole path, in the place of its return; empty: the return

    def __post_init__(self) -> None:
        check_whiten(self.whiten)
        check_z(self.ddof, self.eps)
        if self.signal:
            object.__setattr__(self, "needs", frozenset({"group", "signals"}))

    def assign(self, x: CreditInput) -> CreditResult:
        returns_E = x.signal(self.signal, self.name, "episode") if self.signal else x.returns_E
        credit = rapo if self.scaled else grpo
        credit_T = spread(credit(returns_E, x.given("group_E", self.name), self.ddof, self.eps), x.starts_E1)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
