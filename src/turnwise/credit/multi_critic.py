"""SLIM: a critic and a normalised advantage per reward signal, and their weighted sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.gae import gae, value_after_last
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns

SIGNALS = ("reach", "diversity", "safety")
"""SLIM's three rewards."""


def critic_of(signal: str) -> str:
    """The name under which the critic of a reward signal speaks: of turns before them, of cut episodes after them."""
    return f"{signal}-value"


def multi_critic(
    rewards_KT: Sequence[np.ndarray],
    values_KT: Sequence[np.ndarray],
    starts_E1: np.ndarray,
    after_last_KE: Sequence[np.ndarray],
    weights_K: Sequence[float],
    gamma: float = 0.99,
    lam: float = 0.95,
    eps: float = 1e-8,
    least_std: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """A = sum_k w_k * z(A_k), A_k the GAE of reward k with its own critic.

    Args:
        rewards_KT, values_KT: each signal's rewards, and its critic's values of the states before the turns.
        starts_E1: offsets of the episodes.
        after_last_KE: value of what follows each episode: 0 where it is over.
        weights_K: weight of each signal.

    Returns:
        credit (T,) and critic targets (K, T), each in its signal's own unit; a target less its value is the signal's
        own advantage. One signal: whitened turn GAE; with lambda 0 the advantage of one stage of
        specs/learn/two_stage_constrained_ac. The scale of a signal has no say. Source: specs/learn/slim_multi_critic.
    """
    pairs = [
        gae(rewards_T, values_T, starts_E1, after_E, gamma, lam)
        for rewards_T, values_T, after_E in zip(rewards_KT, values_KT, after_last_KE, strict=True)
    ]
    return mixed([advantages_T for advantages_T, _ in pairs], weights_K, eps, least_std), np.stack(
        [t for _, t in pairs]
    )


def mixed(
    advantages_KT: Sequence[np.ndarray], weights_K: Sequence[float], eps: float = 1e-8, least_std: float = 0.0
) -> np.ndarray:
    """sum_k w_k * (A_k - mean A_k) / (max(std A_k, least_std) + eps), over the batch, (T,).

    `least_std` keeps a signal that is nearly always 0 from being blown up; in the signal's unit.
    """
    credit_T = np.zeros(len(advantages_KT[0]))
    for advantages_T, weight in zip(advantages_KT, weights_K, strict=True):
        centred_T = advantages_T - advantages_T.min(initial=np.inf)  # a constant signal becomes exact zeros
        centred_T = centred_T - centred_T.sum() / max(len(centred_T), 1)
        std = np.sqrt(centred_T @ centred_T / max(len(centred_T), 1))
        credit_T += weight * centred_T / (max(std, least_std) + eps)
    return credit_T


@dataclass(frozen=True)
class MultiCritic:
    """Several rewards, none of which drowns the others. Reads each reward and its critic (`critic_of`) as signals, and
    gives every critic its own advantages and targets, whatever its weight.
    """

    name: ClassVar[str] = "multi-critic"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = "each signal is divided by its spread in the batch, so what is raised is not their sum"
    reads_T: ClassVar[tuple[str, ...]] = (*SIGNALS, *map(critic_of, SIGNALS))
    reads_E: ClassVar[tuple[str, ...]] = tuple(map(critic_of, SIGNALS))
    signals: tuple[str, ...] = SIGNALS  # names of the rewards; each has a critic named after it
    weights: tuple[float, ...] = (1.0, 1.0, 1.0)  # weight of each reward's advantage; SLIM's are not known
    gamma: float = 0.99  # discount per turn, of every reward
    lam: float = 0.95  # trace decay per turn
    eps: float = 1e-8  # added to the standard deviation
    least_std: float = 0.0  # floor of the standard deviation, against rewards that are nearly always 0
    whiten: Whiten = "none"  # over what the sum is whitened

    @property
    def critics(self) -> tuple[str, ...]:
        """Names under which it hears the critics, in the order of the policy's value heads."""
        return tuple(critic_of(signal) for signal in self.signals)

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma, lam=self.lam)
        check_whiten(self.whiten)
        if not self.signals or len(self.signals) != len(self.weights):
            raise TurnwiseError(
                f"{len(self.weights)} weights for the signals {', '.join(self.signals) or '(none)'}",
                "one weight per signal, and at least one signal",
                "set weights to as many numbers as there are signals",
            )

    def assign(self, x: CreditInput) -> CreditResult:
        values_KT = [x.signal(critic, self.name) for critic in self.critics]
        cut = not x.done_E.all()
        credit_T, targets_KT = multi_critic(
            [x.signal(signal, self.name) for signal in self.signals],
            values_KT,
            x.starts_E1,
            [value_after_last(x.done_E, x.signal(c, self.name, "episode") if cut else None) for c in self.critics],
            self.weights,
            self.gamma,
            self.lam,
            self.eps,
            self.least_std,
        )
        of_each = zip(self.signals, targets_KT, values_KT, strict=True)
        critics = {name: CreditResult("turn", told_T - said_T, told_T) for name, told_T, said_T in of_each}
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten), critics=critics)
