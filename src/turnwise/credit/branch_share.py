"""Branch shares: any rule made fair to episodes that fork more than others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.branches import paths_of
from turnwise.credit.ragged import spread
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditInput, CreditResult, CreditRule, Unit


def branch_share(credit_T: np.ndarray, starts_E1: np.ndarray, group_E: np.ndarray, node_T: np.ndarray) -> np.ndarray:
    """Credit of each path weighed by how likely a walk that takes every branch alike ends with that path.

    A fork multiplies the turns behind it. Where forks depend on what was played (entropy rose, a state looked
    promising), turns behind forks would count more than the policy visits them, and the gradient points elsewhere.
    Weighed by 1 / (number of branches at every fork passed) each start counts once again.

    Args:
        credit_T: credit of each path's copy of each turn.
        starts_E1: offsets of the paths.
        group_E: id of each path's group.
        node_T: id of each turn; equal where paths share it.

    Returns:
        credit (T,), such that the mean over the copies of a shared turn, which trains once, is the sum of the weighed
        credits. Without branches nothing changes. Source: ours; the weight of importance sampling over branches.
    """
    paths = paths_of(starts_E1, group_E, node_T)
    _, weight_E = paths.shares()
    copies_T = paths.through(np.ones(len(weight_E)))
    return credit_T * spread(weight_E, starts_E1) * copies_T


@dataclass(frozen=True)
class BranchShare:
    """Another rule's credit, every path weighed by its share of its tree."""

    name: ClassVar[str] = "branch-share"
    needs: ClassVar[frozenset[str]] = frozenset({"group", "branches"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    inner: CreditRule = RewardToGo()  # the rule that is weighed; it must credit whole turns

    def __post_init__(self) -> None:
        if self.inner.unit != "turn":
            raise TurnwiseError(
                f"inner rule {self.inner.name!r}, which credits tokens",
                "a rule that credits whole turns",
                "choose turn-gae, reward-to-go or rloo",
            )
        object.__setattr__(self, "needs", self.inner.needs | BranchShare.needs)
        object.__setattr__(self, "biased", getattr(self.inner, "biased", ""))

    def assign(self, x: CreditInput) -> CreditResult:
        found = self.inner.assign(x)
        group_E, node_T = x.given("group_E", self.name), x.given("node_T", self.name)
        return replace(found, credit=branch_share(found.credit, x.starts_E1, group_E, node_T))
