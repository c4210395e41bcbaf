"""ARPO: GRPO over all paths of a group's trees, and how a segment that they share is given its part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.groups import check_z, group_numbers
from turnwise.credit.grpo import grpo
from turnwise.credit.ragged import check_starts, spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns

Attribution = Literal["soft", "hard"]
"""Each copy of a shared turn gets its own path's credit, or the mean over the paths that share it."""


def arpo(
    returns_E: np.ndarray,
    starts_E1: np.ndarray,
    group_E: np.ndarray,
    node_T: np.ndarray,
    attribution: Attribution = "soft",
    ddof: int = 1,
    eps: float = 1e-6,
) -> np.ndarray:
    """A_i = (R_i - mean R) / (std R + eps) over the M paths of the group;  hard: mean of A_i over a turn's d paths.

    Args:
        returns_E: return of each path.
        starts_E1: offsets of the paths.
        group_E: id of each path's group.
        node_T: id of each turn; equal where paths share it.

    Returns:
        credit (T,). Over the d copies of a turn soft and hard have the same sum, so they train alike where every copy
        is trained with ratio 1 and losses are sums; a root that all paths share gets 0 (hard). Without branches: GRPO.
        Source: arXiv 2507.19849, specs/credit/arpo.
    """
    starts_E1 = check_starts(starts_E1, len(node_T), "starts_E1")
    credit_T = spread(grpo(returns_E, group_E, ddof, eps), starts_E1)
    if attribution == "soft":
        return credit_T
    number_T, paths_T = group_numbers(node_T, node_T)
    return np.bincount(number_T, weights=credit_T)[number_T] / paths_T


@dataclass(frozen=True)
class Arpo:
    """Group z-score over the paths of branched rollouts."""

    name: ClassVar[str] = "arpo"
    needs: ClassVar[frozenset[str]] = frozenset({"group", "branches"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "as GRPO; and paths that branched late share most of what they did, so mean and spread lean towards the "
        "beginnings that were branched most"
    )
    attribution: Attribution = "soft"  # soft: each copy of a shared turn its path's credit (ARPO); hard: their mean
    ddof: int = 1  # 1 sample standard deviation (verl), 0 population
    eps: float = 1e-6  # added to the standard deviation (ARPO)
    whiten: Whiten = "none"  # over what credit is whitened, each path's copy of a turn counted

    def __post_init__(self) -> None:
        check_whiten(self.whiten)
        check_z(self.ddof, self.eps)
        if self.attribution not in ("soft", "hard"):
            raise TurnwiseError(f"attribution = {self.attribution!r}", "soft or hard", "soft is ARPO's default")

    def assign(self, x: CreditInput) -> CreditResult:
        group_E, node_T = x.given("group_E", self.name), x.given("node_T", self.name)
        credit_T = arpo(x.returns_E, x.starts_E1, group_E, node_T, self.attribution, self.ddof, self.eps)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
