"""Tree leave-one-out: the leaves below a turn against those of the nearest fork that it did not lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.branches import paths_of
from turnwise.credit.groups import above_lowest
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def tree_loo(returns_E: np.ndarray, starts_E1: np.ndarray, group_E: np.ndarray, node_T: np.ndarray) -> np.ndarray:
    """A(turn) = share(turn) * (V(turn) - V of the others at the fork above it).

    V is the mean return of the paths below, every branch of a fork counted alike. The fork is the nearest turn before
    (or the group's root) through which some path goes that does not go through the turn itself. Those others know
    nothing of what the turn did, so the baseline is fair; between forks it stays. A fork multiplies the turns behind
    it, so each weighs by its share: 1 at first turns, divided by the number of branches at every fork.

    Args:
        returns_E: return of each path.
        starts_E1: offsets of the paths.
        group_E: id of each path's group.
        node_T: id of each turn; equal where paths share it.

    Returns:
        credit (T,), the same for all copies of a turn, which is to be trained once; 0 for a turn that all paths of the
        group share, since nothing compares with it. Without branches: RLOO. Unbiased wherever the trees fork, as long
        as the group has several first turns and a fork is decided by what lies before it.
        Source: RLOO (specs/credit/baselines) at every fork.
    """
    paths = paths_of(starts_E1, group_E, node_T)
    share_T, weight_E = paths.shares()
    ones_E, earned_E = np.ones(len(returns_E)), weight_E * above_lowest(returns_E, paths.groups_E)
    count_T, weight_T, total_T = (paths.through(x_E) for x_E in (ones_E, weight_E, earned_E))
    parted_T = paths.through_before(ones_E, count_T) > count_T
    others_T = np.where(parted_T, paths.through_before(weight_E, weight_T) - weight_T, 1.0)
    baseline_T = (paths.through_before(earned_E, total_T) - total_T) / others_T
    fork_T = np.maximum.accumulate(np.where(parted_T | paths.first_T, np.arange(len(node_T)), 0))
    return np.where(parted_T[fork_T], share_T * (total_T / weight_T - baseline_T[fork_T]), 0.0)


@dataclass(frozen=True)
class TreeLoo:
    """Leave-one-out at every fork of a tree."""

    name: ClassVar[str] = "tree-loo"
    needs: ClassVar[frozenset[str]] = frozenset({"group", "branches"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    whiten: Whiten = "none"  # over what credit is whitened, each path's copy of a turn counted

    def __post_init__(self) -> None:
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        group_E, node_T = x.given("group_E", self.name), x.given("node_T", self.name)
        credit_T = tree_loo(x.returns_E, x.starts_E1, group_E, node_T)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
