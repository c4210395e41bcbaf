"""A judgement of each turn in the place of its reward: where every turn hands in something that is judged by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping


@dataclass(frozen=True)
class Scored(Shaping):
    """r_t = what was judged of turn t, then another rule.

    WaltzRL's conversation agent is trained so: each of its answers, the first or a revised one, by its own score.
    inner=RewardToGo(gamma=0.0): a turn's own score; RewardToGo(): all that follow too. A judgement that is the world's
    reward: the inner rule alone. Source: specs/credit/waltzrl-dir.
    """

    name: ClassVar[str] = "scored"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("score",)
    reads_E: ClassVar[tuple[str, ...]] = ()
    biased: ClassVar[str] = "it raises what is judged of each turn, not the return"
    score: str = "score"  # name of the judgement
    inner: CreditRule = RewardToGo()  # turns these rewards into credit

    def shaped(self, x: CreditInput) -> np.ndarray:
        return x.signal(self.score, self.name)
