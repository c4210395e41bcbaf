"""MT-GRPO: the first turn is given the z-score of its own reward besides that of the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.groups import check_z, group_numbers, z_in_group
from turnwise.credit.ragged import check_starts, piece_sums, spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns

Combine = Literal["z-then-sum", "sum-then-z"]
"""How the first turn joins its two rewards; the released code calls them aae and cae."""


def mt_grpo(
    rewards_T: np.ndarray,
    starts_E1: np.ndarray,
    group_E: np.ndarray,
    w: float = 1.0,
    gamma: float = 1.0,
    combine: Combine = "z-then-sum",
    ddof: int = 1,
    eps: float = 1e-4,
) -> np.ndarray:
    """Two z-scores over the group: of the turn reward and of the outcome.

        turn reward  T_i = r[i, 0] where a turn follows (a tool was called), otherwise 0
        outcome      O_i = R_i - T_i
        first turn   z(O)_i + w * z(T)_i        (sum-then-z: z(T + gamma * O)_i)
        later turns  z(O)_i
        an episode of one turn, which called no tool: z(O + T)_i   (sum-then-z: z(T + gamma * O)_i)

    Args:
        rewards_T: reward of each agent turn: the first one's is what the tool call was worth, the others' the outcome.
        starts_E1: offsets of the episodes.
        group_E: id of each episode's group.
        w, gamma: weight of the turn's z-score; discount of the outcome in the sum.

    Returns:
        credit (T,). Where the first turn earns nothing it is GRPO. More turns than one would need a z-score per turn
        index, which only groups of equally long episodes have.
        Source: arXiv 2505.11821 and its released trainer, specs/credit/baselines.
    """
    starts_E1 = check_starts(starts_E1, len(rewards_T), "starts_E1")
    lengths_E, first_E = np.diff(starts_E1), starts_E1[:-1]
    called_E = lengths_E > 1
    turn_E = np.zeros(len(lengths_E))
    turn_E[called_E] = rewards_T[first_E[called_E]]
    outcome_E = piece_sums(rewards_T, starts_E1) - turn_E
    members = group_numbers(group_E, turn_E)
    z_outcome_E = z_in_group(outcome_E, *members, ddof, eps)
    if combine == "z-then-sum":
        z_first_E = z_outcome_E + w * z_in_group(turn_E, *members, ddof, eps)
        z_alone_E = z_in_group(outcome_E + turn_E, *members, ddof, eps)
    else:
        z_first_E = z_alone_E = z_in_group(turn_E + gamma * outcome_E, *members, ddof, eps)
    credit_T = spread(z_outcome_E, starts_E1)
    spoke_E = lengths_E > 0
    credit_T[first_E[spoke_E]] = np.where(called_E, z_first_E, z_alone_E)[spoke_E]
    return credit_T


@dataclass(frozen=True)
class MtGrpo:
    """Outcome for every turn, and for the first one what it earned itself."""

    name: ClassVar[str] = "mt-grpo"
    needs: ClassVar[frozenset[str]] = frozenset({"group"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "turn reward and outcome are divided by spreads of their own, so what is raised is no longer their sum"
    )
    w: float = 1.0  # weight of the turn's own z-score (the released turn coefficient)
    gamma: float = 1.0  # discount of the outcome behind the first turn; read by sum-then-z
    combine: Combine = "z-then-sum"  # z-then-sum adds two z-scores (paper), sum-then-z scores their discounted sum
    ddof: int = 1  # 1 sample standard deviation (released), 0 population
    eps: float = 1e-4  # added to the standard deviation (released)
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma)
        check_whiten(self.whiten)
        check_z(self.ddof, self.eps)
        if self.combine not in ("z-then-sum", "sum-then-z"):
            raise TurnwiseError(
                f"combine = {self.combine!r}", "z-then-sum or sum-then-z", "z-then-sum is MT-GRPO as published"
            )

    def assign(self, x: CreditInput) -> CreditResult:
        group_E = x.given("group_E", self.name)
        credit_T = mt_grpo(x.rewards_T, x.starts_E1, group_E, self.w, self.gamma, self.combine, self.ddof, self.eps)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
