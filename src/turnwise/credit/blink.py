"""Blink, think, link: the form of a reply, where it looked and what it did, mixed into one reward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.grpo import Grpo
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping


def mix(signals_MT: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """R_t = sum_m w_m * signal_m[t], (T,). Source: arXiv 2509.15566, specs/credit/blink-think-link."""
    return np.asarray(weights, np.float64) @ np.stack(signals_MT)


@dataclass(frozen=True)
class Blink(Shaping):
    """R = .1 form + .3 look + .6 act, in place of the world's reward, then the z-score among the replies of a row.

    Rows are episodes of one turn. weights=(0, 0, 1): the act alone. The released code never matches its own form,
    so its form is 0 and its ceiling .9: weights=(0, .3, .6). Credit of one signal alone: its weight alone.
    """

    name: ClassVar[str] = "blink"
    needs: ClassVar[frozenset[str]] = frozenset({"signals", "group"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("form", "look", "act")
    reads_E: ClassVar[tuple[str, ...]] = ()
    biased: ClassVar[str] = "form and look are paid for themselves; where all acts are equal they alone decide"
    signals: tuple[str, ...] = ("form", "look", "act")  # names of the 0/1 judgements
    weights: tuple[float, ...] = (0.1, 0.3, 0.6)  # of the judgements, in their order
    inner: CreditRule = Grpo()  # turns these rewards into credit: the published learner compares 8 replies of a row

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.weights) != len(self.signals):
            raise TurnwiseError(
                f"weights = {self.weights} with signals = {self.signals}", "one weight per signal", "set both"
            )

    def shaped(self, x: CreditInput) -> np.ndarray:
        return mix([x.signal(name, self.name) for name in self.signals], self.weights)
