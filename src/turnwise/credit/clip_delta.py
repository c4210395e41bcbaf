"""Clip and Delta: two bounded forms of a learned step score, which repetition cannot exploit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import next_in_piece
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping, check_choice, last_turns

Form = Literal["raw", "clip", "delta", "both"]


def clip(scores_T: np.ndarray, starts_E1: np.ndarray, eta: float = 0.5) -> np.ndarray:
    """min(p_k - eta, 0) before the last step and 0 at it, (T,): a step can lose, never gain.

    Args:
        scores_T: p, process score of each step given those up to it; not read at the last, which success judges.
        starts_E1: offsets of the episodes, a step being a turn.
        eta: score from which on a step costs nothing.

    Source: arXiv 2410.15115, specs/credit/clip-and-delta.
    """
    return np.where(last_turns(starts_E1), 0.0, np.minimum(scores_T - eta, 0.0))


def delta(scores_T: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """p_k - p_{k+1}, with 0 in place of the last step's score, (T,).

    The sum from step k on is p_k: each step is judged by its own score, not by how many follow. The sum over an
    episode is p_1; a step said twice changes nothing. Source: as `clip`.
    """
    judged_T = np.where(last_turns(starts_E1), 0.0, scores_T)
    return judged_T - next_in_piece(judged_T, starts_E1, np.zeros(len(starts_E1) - 1))


@dataclass(frozen=True)
class ClipDelta(Shaping):
    """Outcome plus alpha times the bounded scores, then another rule. alpha = 0: that rule on the outcome.

    Both forms protect from a step score; neither pays good steps beyond the first. `raw` is the control.
    """

    name: ClassVar[str] = "clip-delta"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("process",)
    reads_E: ClassVar[tuple[str, ...]] = ()
    biased: ClassVar[str] = "each step is also paid its own score, whether or not that score leads to success"
    signal: str = "process"  # name of the step score
    form: Form = "both"  # raw: the score as it is; clip; delta; both: delta of the clipped scores
    eta: float = 0.5  # score from which on clip costs nothing; ours: most good steps should lie above it
    alpha: float = 0.1  # weight of the shaped score beside success; ours: small
    inner: CreditRule = RewardToGo()  # turns these rewards into credit; delta telescopes only with its gamma at 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("form", self.form, get_args(Form))
        gamma = getattr(self.inner, "gamma", 1.0)
        if self.form in ("delta", "both") and gamma != 1.0:
            raise TurnwiseError(
                f"form = {self.form!r} with gamma = {gamma} in {self.inner.name!r}",
                "gamma = 1.0: discounted differences do not telescope",
                "set the inner rule's gamma to 1.0, or form='clip'",
            )

    def bend(self) -> str:
        return self.biased if self.alpha else ""

    def shaped(self, x: CreditInput) -> np.ndarray:
        scores_T = x.signal(self.signal, self.name)
        if self.form in ("clip", "both"):
            scores_T = clip(scores_T, x.starts_E1, self.eta)
        if self.form in ("delta", "both"):
            scores_T = delta(scores_T, x.starts_E1)
        if self.form == "raw":
            scores_T = np.where(last_turns(x.starts_E1), 0.0, scores_T)
        return x.rewards_T + self.alpha * scores_T
