"""Dynamic improvement reward (WaltzRL): advice earns how much the partner's next answer improved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping, rises


def improvement(score_T: np.ndarray, score_E: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """DIR_t = R_c(c_{t+1}) - R_c(c_t), (T,); over the rounds it sums to the last answer's score minus the first's.

    Args:
        score_T: the partner's score after each round: of the answer it revised, or of the same answer where
            nothing was flagged and nothing revised.
        score_E: score of its first answer, which no advice preceded.
        starts_E1: offsets of the episodes; a turn is one round of advice.

    Source: arXiv 2510.08240, specs/credit/waltzrl-dir.
    """
    return rises(score_T, score_E, starts_E1)


@dataclass(frozen=True)
class Dir(Shaping):
    """The adviser's reward, in place of the world's, then another rule. The partner keeps the world's reward.

    R_f = improvement * DIR (0 where the labels are wrong) + label * labels right + form * advice parses. A partner
    that ignores advice: the first term is 0 whatever is said. With label = 0 a flag can win and, its -1 void with wrong
    labels, never lose: good answers are then flagged too. Only improvement, not conditional: the partner's
    final score minus its first. Source: specs/credit/waltzrl-dir.
    """

    name: ClassVar[str] = "dir"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("score", "label", "form")
    reads_E: ClassVar[tuple[str, ...]] = ("score",)
    biased: ClassVar[str] = "it raises what advice adds to the partner's answer, with right labels, not the return"
    score: str = "score"  # name of the partner's score: of a turn, after its advice; of an episode, of its first answer
    labels: str = "label"  # name of the 0/1 judgement that both labels of the advice are right
    forms: str = "form"  # name of the 0/1 judgement that the advice parses
    conditional: bool = True  # an improvement counts only with right labels: luck is not paid, nor a spoiled answer
    improvement: float = 0.65  # weight of the improvement (third-party re-implementation)
    label: float = 0.0  # weight of right labels: on in stage 1, 0 in stage 2
    form: float = 0.1  # weight of advice that parses (third-party re-implementation)
    inner: CreditRule = RewardToGo()  # turns these rewards into credit; gamma 0: each round by itself

    def shaped(self, x: CreditInput) -> np.ndarray:
        gained_T = improvement(
            x.signal(self.score, self.name), x.signal(self.score, self.name, of="episode"), x.starts_E1
        )
        right_T = x.signal(self.labels, self.name) if self.conditional or self.label else np.ones(len(gained_T))
        parses_T = x.signal(self.forms, self.name) if self.form else np.zeros(len(gained_T))
        counted_T = np.where(right_T > 0.5, gained_T, 0.0) if self.conditional else gained_T
        return self.improvement * counted_T + self.label * right_T + self.form * parses_T
