"""BARFI: a learned blend of the primary reward and helping ones, for the inner loop; barfi_outer learns the blend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping


def blend(streams_KT: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """r_phi[t] = sum_k phi_k * r_k[t], (T,), the streams being 1 (constant), the primary reward, the helping ones.

    Source: arXiv 2310.19007, specs/credit/barfi: its simplest form, the same weights in every state.
    """
    total_T = np.zeros(len(streams_KT[0]))
    for weight, stream_T in zip(weights, streams_KT, strict=True):
        total_T = total_T + weight * stream_T
    return total_T


def streams_of(x: CreditInput, signals: Sequence[str], rule: str) -> list[np.ndarray]:
    """What is blended, (T,) each: ones, the world's reward, each named signal."""
    return [np.ones(len(x.rewards_T)), x.rewards_T, *(x.signal(name, rule) for name in signals)]


@dataclass(frozen=True)
class Barfi(Shaping):
    """The inner loop: credit by the blended reward. weights (0, 1, 0): the inner rule on the primary reward alone.

    All at their defaults it is the naive sum, which is where the outer loop starts from; `turnwise.credit.barfi_outer`
    moves `weights` and the discount of the inner rule towards what raises the primary return.
    """

    name: ClassVar[str] = "barfi"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("hint",)
    reads_E: ClassVar[tuple[str, ...]] = ()
    biased: ClassVar[str] = "the inner loop follows the blend; only the outer loop answers to the return"
    signals: tuple[str, ...] = ("hint",)  # names of the helping rewards
    weights: tuple[float, ...] = (0.0, 1.0, 1.0)  # of a constant, of the world's reward, of each helping one
    inner: CreditRule = RewardToGo()  # turns these rewards into credit; its gamma is the inner discount

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.weights) != len(self.signals) + 2:
            raise TurnwiseError(
                f"weights = {self.weights} with signals = {self.signals}",
                f"{len(self.signals) + 2} weights: of a constant, of the world's reward, of each signal",
                "start from (0.0, 1.0) and 1.0 for each signal",
            )

    def bend(self) -> str:
        primary_alone = self.weights[0] == 0 and not any(self.weights[2:]) and self.weights[1] > 0
        return "" if primary_alone else type(self).biased

    def shaped(self, x: CreditInput) -> np.ndarray:
        return blend(streams_of(x, self.signals, self.name), self.weights)
