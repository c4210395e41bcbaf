"""What the rules share that change the reward of a turn and leave its credit to another rule."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import check_starts, piece_of, previous_in_piece
from turnwise.credit.rule import CreditInput, CreditResult, CreditRule, Unit


class Shaping:
    """Base of a rule that rewrites `rewards_T` and hands them to `inner`.

    Reward and credit are different things: `shaped` gives rewards, in world units, one per turn; `assign` gives
    what `inner` makes of them. So any judged reward goes with any rule: RewardToGo(gamma=0.0) takes the reward
    itself as credit, RewardToGo() sums it, Rloo() compares totals in a group, TurnGae() needs a critic.
    `needs`, `unit` and `biased` of the class are those of its default settings, of an object those of its own.
    """

    needs: ClassVar[frozenset[str]]
    unit: ClassVar[Unit]
    biased: ClassVar[str]
    inner: CreditRule

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", self.inner.needs | {"signals"})
        object.__setattr__(self, "unit", self.inner.unit)
        object.__setattr__(self, "biased", self.bend() or getattr(self.inner, "biased", ""))

    def bend(self) -> str:
        """Why these rewards lead elsewhere than the return; empty where they do not."""
        return type(self).biased

    def shaped(self, x: CreditInput) -> np.ndarray:
        """Rewards float64 (T,) that take the place of the world's."""
        raise NotImplementedError

    def assign(self, x: CreditInput) -> CreditResult:
        return self.inner.assign(with_rewards(x, self.shaped(x)))


def with_rewards(x: CreditInput, rewards_T: np.ndarray) -> CreditInput:
    """The batch with other rewards; everything else was checked when it was made and is shared, not copied."""
    other = copy(x)
    object.__setattr__(other, "rewards_T", rewards_T)
    return other


def before_turns(after_T: np.ndarray, first_E: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """What was judged before each turn (T,): after the turn before it, or `first_E` before a first turn."""
    return previous_in_piece(after_T, check_starts(starts_E1, len(after_T), "starts_E1"), np.asarray(first_E))


def rises(after_T: np.ndarray, first_E: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """after - before at each turn (T,); they sum to what was judged last minus `first_E`."""
    return after_T - before_turns(after_T, first_E, starts_E1)


def last_turns(starts_E1: np.ndarray) -> np.ndarray:
    """bool (T,): the last turn of each episode."""
    last_T = np.zeros(starts_E1[-1], dtype=bool)
    last_T[starts_E1[1:][np.diff(starts_E1) > 0] - 1] = True
    return last_T


def sums_before(x_T: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """Sum of the earlier entries of the same episode (T,); exact where the entries are integers."""
    running = np.concatenate([[0.0], np.cumsum(x_T)])
    return running[:-1] - running[starts_E1[piece_of(starts_E1)]]


def check_choice(setting: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a misspelt setting."""
    if value not in choices:
        raise TurnwiseError(f"{setting} = {value!r}", f"one of: {', '.join(choices)}", f"set {setting} to one of them")


def turn_gamma(inner: CreditRule) -> float:
    """The discount per turn of an inner rule; 1 where it has none.

    Raises:
        TurnwiseError: it discounts per token, so turns of different length differ.
    """
    gamma = getattr(inner, "gamma", 1.0)
    if inner.unit == "token" and gamma != 1.0 and not hasattr(inner, "gamma_token"):
        raise TurnwiseError(
            f"inner rule {inner.name!r} with gamma = {gamma} per token",
            "one discount per turn, which differences between turns can be built with",
            "set its gamma to 1.0, or choose bilevel-gae or turn-gae",
        )
    return gamma
