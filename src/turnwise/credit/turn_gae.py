"""Turn GAE: temporal differences from one agent turn to the next, shared by all tokens of the turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.gae import gae, value_after_last
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def turn_gae(
    rewards_T: np.ndarray,
    values_T: np.ndarray,
    starts_E1: np.ndarray,
    done_E: np.ndarray,
    bootstrap_E: np.ndarray | None = None,
    gamma: float = 0.99,
    lam: float = 0.99,
) -> tuple[np.ndarray, np.ndarray]:
    """GAE with one step per agent turn.

        delta_t = r_t + gamma * V(s_{t+1}) - V(s_t);  A_t = delta_t + gamma * lam * A_{t+1}
        target_t = A_t + V(s_t)

    Args:
        rewards_T: reward of each agent turn.
        values_T: critic read once per turn, at the last prompt token before it.
        starts_E1: offsets of the episodes.
        done_E: True: nothing follows the last turn, V = 0. False: it was cut, V = its bootstrap value.
        bootstrap_E: critic at the state after the last turn; read only where the episode was cut.
        gamma, lam: per turn; the number of tokens never enters.

    Returns:
        advantages (T,), critic targets (T,). lam = gamma = 1: return-to-go minus V. One-turn episode: r - V.
        Exact V and lam 0: unbiased for the true advantage.
        Source: specs/credit/era-turn-gae, specs/credit/baselines.
    """
    return gae(rewards_T, values_T, starts_E1, value_after_last(done_E, bootstrap_E), gamma, lam)


@dataclass(frozen=True)
class TurnGae:
    """Advantages per turn from a critic that speaks once per turn."""

    name: ClassVar[str] = "turn-gae"
    needs: ClassVar[frozenset[str]] = frozenset({"critic"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    gamma: float = 0.99  # discount per turn (ERA)
    lam: float = 0.99  # trace decay per turn (ERA); use .95 to 1 until the critic explains some variance
    whiten: Whiten = "none"  # over what advantages are whitened; ERA: tokens. Targets are made before it

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma, lam=self.lam)
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        values_T = x.given("values_T", self.name)
        advantages_T, targets_T = turn_gae(
            x.rewards_T, values_T, x.starts_E1, x.done_E, x.bootstrap_E, self.gamma, self.lam
        )
        return CreditResult("turn", whiten_turns(advantages_T, x, self.whiten), targets_T=targets_T)
