"""PPDPP: the reward-to-go of each turn, as a z-score inside its own episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.groups import check_z, z_in_group
from turnwise.credit.ragged import check_starts, piece_of
from turnwise.credit.reward_to_go import reward_to_go
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def episode_z(
    rewards_T: np.ndarray, starts_E1: np.ndarray, gamma: float = 0.999, ddof: int = 1, eps: float = 1e-8
) -> np.ndarray:
    """A[i, t] = (G[i, t] - mean_t G[i]) / (std_t G[i] + eps), G the discounted reward-to-go.

    Args:
        rewards_T: reward of each agent turn.
        starts_E1: offsets of the episodes.
        gamma: discount per turn.
        ddof: 1 sample std over the turns of the episode, 0 population std.

    Returns:
        credit (T,); the single turn of an episode keeps its G. Credits of every longer episode sum to 0, so success
        and failure look alike in total, and with an end reward alone (gamma below 1) the early turns of a success are
        punished. Offered to reproduce. Source: specs/learn/ppdpp.
    """
    starts_E1 = check_starts(starts_E1, len(rewards_T), "starts_E1")
    to_go_T = reward_to_go(rewards_T, starts_E1, gamma)
    number_T = piece_of(starts_E1)
    size_T = np.diff(starts_E1)[number_T]
    return np.where(size_T == 1, to_go_T, z_in_group(to_go_T, number_T, size_T, ddof, eps))


@dataclass(frozen=True)
class EpisodeZ:
    """Reward-to-go, centred and scaled inside each episode."""

    name: ClassVar[str] = "episode-z"
    needs: ClassVar[frozenset[str]] = frozenset()
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "the baseline of a turn is made of the returns that the episode itself earned before and after it"
    )
    gamma: float = 0.999  # discount per turn (PPDPP)
    ddof: int = 1  # 1 sample standard deviation (PPDPP), 0 population
    eps: float = 1e-8  # added to the standard deviation
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma)
        check_whiten(self.whiten)
        check_z(self.ddof, self.eps)

    def assign(self, x: CreditInput) -> CreditResult:
        credit_T = episode_z(x.rewards_T, x.starts_E1, self.gamma, self.ddof, self.eps)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
