"""A baseline per turn: reward-to-go minus its mean over the members of the group that are still playing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.groups import centred_in_group, group_numbers
from turnwise.credit.ragged import check_starts, spread
from turnwise.credit.reward_to_go import reward_to_go
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def turn_baseline(rewards_T: np.ndarray, starts_E1: np.ndarray, group_E: np.ndarray, gamma: float = 1.0) -> np.ndarray:
    """A[i, t] = G[i, t] - mean G[j, t] over the members j of the group that have a turn t, i among them.

    Args:
        rewards_T: reward of each agent turn.
        starts_E1: offsets of the episodes.
        group_E: id of each episode's group.
        gamma: discount per turn, in G.

    Returns:
        credit (T,). Who is alone at a turn gets 0 there. Equally long episodes with one reward at the end and gamma 1:
        Dr. GRPO. As GiGPO's step part with the turn index for the state.
    """
    starts_E1 = check_starts(starts_E1, len(rewards_T), "starts_E1")
    lengths_E = np.diff(starts_E1)
    index_T = np.arange(len(rewards_T)) - spread(starts_E1[:-1], starts_E1)
    group_T = spread(group_numbers(group_E, lengths_E)[0], starts_E1)
    place_T = group_T * int(lengths_E.max(initial=0)) + index_T
    return centred_in_group(reward_to_go(rewards_T, starts_E1, gamma), place_T, np.bincount(place_T)[place_T])


@dataclass(frozen=True)
class TurnBaseline:
    """Reward-to-go against the group at the same turn."""

    name: ClassVar[str] = "turn-baseline"
    needs: ClassVar[frozenset[str]] = frozenset({"group"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "the fewer members reach a turn, the smaller its credit, down to 0 for the last one left, so late turns count "
        "for less"
    )
    gamma: float = 1.0  # discount per turn
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma)
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        credit_T = turn_baseline(x.rewards_T, x.starts_E1, x.given("group_E", self.name), self.gamma)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
