"""RLOO: an episode's return minus the mean return of the others of its group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.groups import centred_in_group, group_numbers
from turnwise.credit.ragged import spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def rloo(returns_E: np.ndarray, group_E: np.ndarray) -> np.ndarray:
    """A_i = R_i - mean_{j != i} R_j = G / (G - 1) * (R_i - mean R), G the size of the group.

    Args:
        returns_E: return of each episode.
        group_E: id of its group; groups may differ in size.

    Returns:
        credit (E,). Unbiased: the baseline does not know the episode's own return. G / (G - 1) times Dr.
        GRPO; at G = 2 it is plus or minus the difference of the two returns. Source: specs/credit/baselines,
        specs/learn/loop.

    Raises:
        TurnwiseError: a group of one has no others.
    """
    number_E, size_E = group_numbers(group_E, returns_E)
    if np.any(size_E == 1):
        alone = np.asarray(group_E)[size_E == 1]
        raise TurnwiseError(
            f"{len(alone)} groups hold one episode (the first has id {alone[0]})",
            "two episodes or more in every group: one leaves nobody out",
            "raise the group size of the explorer, or drop groups that lost their other members",
        )
    return centred_in_group(returns_E, number_E, size_E) * size_E / (size_E - 1)


@dataclass(frozen=True)
class Rloo:
    """Leave-one-out credit, the same for every turn of an episode."""

    name: ClassVar[str] = "rloo"
    needs: ClassVar[frozenset[str]] = frozenset({"group"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        credit_T = spread(rloo(x.returns_E, x.given("group_E", self.name)), x.starts_E1)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
