"""What averaging the loss inside each episode does to credit: it is divided by the episode's length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.ragged import spread
from turnwise.credit.rule import CreditInput, CreditResult, CreditRule, Unit


@dataclass(frozen=True)
class OverLength:
    """Another rule's credit per turn, divided by the number of turns of the episode (one token each)."""

    inner: CreditRule
    name: ClassVar[str] = "over-length"
    needs: ClassVar[frozenset[str]] = frozenset()
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = "turns of long episodes count less"

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", self.inner.needs)

    def assign(self, x: CreditInput) -> CreditResult:
        lengths_E = np.diff(x.starts_E1).astype(np.float64)
        return CreditResult("turn", self.inner.assign(x).credit / spread(lengths_E, x.starts_E1))
