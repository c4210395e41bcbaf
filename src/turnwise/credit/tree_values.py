"""Tree values: a turn is worth the mean of the leaves below it, and is given what it adds to the turn before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.branches import paths_of
from turnwise.credit.groups import above_lowest
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def tree_values(returns_E: np.ndarray, starts_E1: np.ndarray, group_E: np.ndarray, node_T: np.ndarray) -> np.ndarray:
    """A(turn) = V(turn) - V(turn before),  V = mean return of the paths through it.

    Before the first turn stands the group's root, whose V is the mean over the group.

    Args:
        returns_E: return of each path.
        starts_E1: offsets of the paths.
        group_E: id of each path's group.
        node_T: id of each turn; equal where paths share it.

    Returns:
        credit (T,). Over a path it sums to R - mean R of the group (Dr. GRPO), spread over the turns at which the paths
        part; where they do not, 0. Without branches all of it falls on the first turn.
        Source: the step values of tree searches; specs/learn/rest_mcts ("backup").
    """
    paths = paths_of(starts_E1, group_E, node_T)
    ones_E, returns_E = np.ones(len(returns_E)), above_lowest(returns_E, paths.groups_E)
    count_T, total_T = paths.through(ones_E), paths.through(returns_E)
    before_T = paths.through_before(returns_E, total_T) / paths.through_before(ones_E, count_T)
    return total_T / count_T - before_T


@dataclass(frozen=True)
class TreeValues:
    """What each turn of a tree adds to the mean of the leaves below."""

    name: ClassVar[str] = "tree-values"
    needs: ClassVar[frozenset[str]] = frozenset({"group", "branches"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "a turn at which no paths part gets nothing, and the fewer part the smaller the credit, since a turn's own "
        "leaves are in the value that it is compared with"
    )
    whiten: Whiten = "none"  # over what credit is whitened, each path's copy of a turn counted

    def __post_init__(self) -> None:
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        group_E, node_T = x.given("group_E", self.name), x.given("node_T", self.name)
        credit_T = tree_values(x.returns_E, x.starts_E1, group_E, node_T)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
