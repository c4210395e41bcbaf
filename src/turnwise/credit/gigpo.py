"""GiGPO: the return against the group, plus each reward-to-go against the turns taken from equal states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.groups import centred_in_group, check_z, group_numbers, numbered, z_in_group
from turnwise.credit.ragged import check_starts, piece_sums, spread
from turnwise.credit.reward_to_go import reward_to_go
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns

Norm = Literal["mean_norm", "mean_std_norm"]
"""A part minus the mean of its group, or that divided by the group's standard deviation."""


def gigpo(
    rewards_T: np.ndarray,
    starts_E1: np.ndarray,
    group_E: np.ndarray,
    state_T: np.ndarray,
    gamma: float = 0.95,
    w: float = 1.0,
    norm: Norm = "mean_norm",
    ddof: int = 1,
    eps: float = 1e-6,
) -> np.ndarray:
    """A[i, t] = A_E[i] + w * A_S[i, t].

        A_E[i]    = R_i - mean R over the group
        A_S[i, t] = G[i, t] - mean G over the anchor group: the group's turns taken from an equal state
        G[i, t]   = sum_{k >= t} gamma^(k - t) r[i, k]

    With mean_std_norm both parts are divided by (std + eps) of what they were centred in.

    Args:
        rewards_T: reward of each agent turn.
        starts_E1: offsets of the episodes.
        group_E: id of each episode's group.
        state_T: id of the state before each turn; equal ids look alike, exactly.
        gamma: discount per turn, in the step part alone.
        w: weight of the step part.

    Returns:
        credit (T,). A state that came once adds 0; with none shared, or w = 0, it is Dr. GRPO (mean_norm) or GRPO
        (mean_std_norm). Source: arXiv 2505.10978, specs/credit/baselines.
    """
    starts_E1 = check_starts(starts_E1, len(rewards_T), "starts_E1")
    returns_E = piece_sums(rewards_T, starts_E1)
    number_E, size_E = group_numbers(group_E, returns_E)
    to_go_T = reward_to_go(rewards_T, starts_E1, gamma)
    anchors = anchor_groups(spread(number_E, starts_E1), state_T)
    if norm == "mean_norm":
        episode_E = centred_in_group(returns_E, number_E, size_E)
        step_T = centred_in_group(to_go_T, *anchors)
    else:
        episode_E = z_in_group(returns_E, number_E, size_E, ddof, eps)
        step_T = z_in_group(to_go_T, *anchors, ddof, eps)
    return spread(episode_E, starts_E1) + w * step_T


def anchor_groups(group_T: np.ndarray, state_T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turns of one group taken from equal states: the number of each turn's anchor group and its size, int64 (T,)."""
    number_T = numbered(state_T)
    pair_T = group_T * (number_T.max(initial=0) + 1) + number_T
    return group_numbers(pair_T, pair_T)


@dataclass(frozen=True)
class Gigpo:
    """Group in group: episodes of a task are compared, and inside them turns from equal states."""

    name: ClassVar[str] = "gigpo"
    needs: ClassVar[frozenset[str]] = frozenset({"group", "state"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "the step part of a state grows with how often the others of the group came there too, so rare states count "
        "for less; where an episode comes back to a state, its own later return is in the baseline"
    )
    gamma: float = 0.95  # discount per turn in the step part (GiGPO on ALFWorld)
    w: float = 1.0  # weight of the step part (GiGPO)
    norm: Norm = "mean_norm"  # mean_norm subtracts means, mean_std_norm also divides by standard deviations
    ddof: int = 1  # 1 sample standard deviation, 0 population; read by mean_std_norm
    eps: float = 1e-6  # added to the standard deviation; read by mean_std_norm
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma)
        check_whiten(self.whiten)
        check_z(self.ddof, self.eps)
        if self.norm not in ("mean_norm", "mean_std_norm"):
            raise TurnwiseError(f"norm = {self.norm!r}", "mean_norm or mean_std_norm", "mean_norm divides by nothing")

    def assign(self, x: CreditInput) -> CreditResult:
        group_E, state_T = x.given("group_E", self.name), x.given("state_T", self.name)
        credit_T = gigpo(x.rewards_T, x.starts_E1, group_E, state_T, self.gamma, self.w, self.norm, self.ddof, self.eps)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
