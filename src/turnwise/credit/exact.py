"""The oracle: the exact advantage, where a world knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


@dataclass(frozen=True)
class Exact:
    """A_t = Q(s_t, a_t) - V(s_t), both given by a world that is small enough (specs/credit/README, row "oracle").

    Turn GAE at lambda 0 with the same V has the same mean at every state and action, and is equal to it where nothing
    that follows an action is left to chance.
    """

    name: ClassVar[str] = "exact"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = ""
    reads_T: ClassVar[tuple[str, ...]] = ("q", "v")
    q: str = "q"  # name of the signal with the exact value of the action that was taken
    v: str = "v"  # name of the signal with the exact value of the state before it
    whiten: Whiten = "none"  # over what credit is whitened

    def __post_init__(self) -> None:
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        credit_T = x.signal(self.q, self.name) - x.signal(self.v, self.name)
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
