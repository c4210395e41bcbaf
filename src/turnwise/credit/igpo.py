"""IGPO: a turn earns the rise of the probability of the right answer; the last turn earns the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from turnwise.credit.groups import centred_in_group, check_z, group_numbers
from turnwise.credit.grpo import grpo
from turnwise.credit.ragged import check_starts, spread
from turnwise.credit.reward_to_go import reward_to_go
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.shaping import before_turns, check_choice, last_turns, rises
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns

Order = Literal["raw", "norm-then-sum", "sum-then-norm", "telescoped"]

BIASED: dict[Order, str] = {
    "raw": "a turn is paid for its own rise alone, so what it makes possible later is not counted",
    "norm-then-sum": "the group's mean reward is taken off once per remaining turn, so further turns cost or pay",
    "sum-then-norm": "it raises the return plus the last probe: confident guessing pays; tasks are re-weighted",
    "telescoped": "",
}
"""Why the gradient of an order is not that of the return; empty where it is."""


def information_gain(
    rewards_T: np.ndarray, probe_T: np.ndarray, probe_E: np.ndarray, starts_E1: np.ndarray
) -> np.ndarray:
    """r_t = world's reward + Phi_t - Phi_{t-1} before the last turn; the last turn has the world's reward alone.

    Args:
        rewards_T: the world's reward of each turn, usually the outcome (F1 of the answer) on the last.
        probe_T: Phi after each turn: probability of the right answer once the turn's tool result is read, the
            geometric mean over the answer's tokens. What is said of a last turn is not read: it answers.
        probe_E: Phi before the first turn, from the question alone.
        starts_E1: offsets of the episodes.

    Returns:
        rewards (T,), summing to R + Phi before the last turn - Phi before the first turn. A constant probe: the
        world's rewards. Source: arXiv 2510.14967, specs/credit/igpo.
    """
    starts_E1 = check_starts(starts_E1, len(rewards_T), "starts_E1")
    return rewards_T + np.where(last_turns(starts_E1), 0.0, rises(probe_T, probe_E, starts_E1))


def norm_then_sum(
    gains_T: np.ndarray, starts_E1: np.ndarray, group_E: np.ndarray, gamma: float, ddof: int, eps: float
) -> np.ndarray:
    """The paper's order: z-score all turns of a group's episodes together, then sum from each turn on, (T,)."""
    return reward_to_go(grpo(gains_T, spread(group_E, starts_E1), ddof, eps), starts_E1, gamma)


def sum_then_norm(
    gains_T: np.ndarray, starts_E1: np.ndarray, group_E: np.ndarray, gamma: float, ddof: int, eps: float
) -> np.ndarray:
    """Sum from each turn on, then z-score by mean and std of the group's total returns, (T,).

    A group without spread of totals gets 0, as in GRPO: dividing its later turns by eps would drown the batch.
    """
    ahead_T = reward_to_go(gains_T, starts_E1, gamma)
    totals_E = np.zeros(len(starts_E1) - 1)
    filled = np.diff(starts_E1) > 0
    totals_E[filled] = ahead_T[starts_E1[:-1][filled]]
    number_E, size_E = group_numbers(group_E, totals_E)
    centred_E = centred_in_group(totals_E, number_E, size_E)
    variance_E = np.bincount(number_E, weights=centred_E**2)[number_E] / np.maximum(size_E - ddof, 1)
    flat_E = variance_E <= 1e-24 * np.maximum(1.0, totals_E**2)
    credit_T = (ahead_T - spread(totals_E - centred_E, starts_E1)) / spread(np.sqrt(variance_E) + eps, starts_E1)
    return np.where(spread(flat_E, starts_E1), 0.0, credit_T)


def telescoped(
    rewards_T: np.ndarray, probe_T: np.ndarray, probe_E: np.ndarray, starts_E1: np.ndarray, gamma: float = 1.0
) -> np.ndarray:
    """A_t = sum_{k >= t} gamma^(k - t) r_k - Phi_{t-1}, r the world's rewards, (T,).

    It is the return-to-go of r_t + gamma * Phi_t - Phi_{t-1} with Phi = 0 once the answer is given, hence
    REINFORCE with the probe as baseline: unbiased, whatever the probe says. Each of those rewards by itself, without
    the sum, is turn GAE at lambda 0 with the probe for a critic.
    """
    return reward_to_go(rewards_T, starts_E1, gamma) - before_turns(probe_T, probe_E, starts_E1)


@dataclass(frozen=True)
class Igpo:
    """Information gain in one of four orders. Reads the probe after each turn and before the first.

    `needs` and `biased` of an object are those of its order: only the two with a norm compare in groups.
    """

    name: ClassVar[str] = "igpo"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("probe",)
    reads_E: ClassVar[tuple[str, ...]] = ("probe",)
    biased: ClassVar[str] = BIASED["telescoped"]
    order: Order = "telescoped"  # raw; norm-then-sum (the paper); sum-then-norm; telescoped (the one unbiased form)
    signal: str = "probe"  # name of the probe: of a turn, after it; of an episode, before its first turn
    gamma: float = 1.0  # discount per turn; not read by raw
    ddof: int = 0  # of the orders with a norm: 0 population standard deviation, 1 sample
    eps: float = 1e-6  # of the orders with a norm: added to the standard deviation
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_choice("order", self.order, get_args(Order))
        check_fraction(gamma=self.gamma)
        check_whiten(self.whiten)
        check_z(self.ddof, self.eps)
        object.__setattr__(self, "biased", BIASED[self.order])
        if "norm" in self.order:
            object.__setattr__(self, "needs", type(self).needs | {"group"})

    def assign(self, x: CreditInput) -> CreditResult:
        probe_T, probe_E = (x.signal(self.signal, self.name), x.signal(self.signal, self.name, of="episode"))
        if self.order == "telescoped":
            credit_T = telescoped(x.rewards_T, probe_T, probe_E, x.starts_E1, self.gamma)
        else:
            credit_T = information_gain(x.rewards_T, probe_T, probe_E, x.starts_E1)
        if "norm" in self.order:
            normed = norm_then_sum if self.order == "norm-then-sum" else sum_then_norm
            credit_T = normed(credit_T, x.starts_E1, x.given("group_E", self.name), self.gamma, self.ddof, self.eps)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
