"""Video-MTR: evidence turns are paid when they beat the best evidence so far and the answer was right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.bilevel_gae import BilevelGae
from turnwise.credit.gated import gated_steps
from turnwise.credit.ragged import check_starts
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping, last_turns


def best_before(x_T: np.ndarray, first_E: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """The largest of `first_E` and the earlier entries of the same episode, (T,)."""
    starts_E1 = check_starts(starts_E1, len(x_T), "starts_E1")
    lengths, best_E = np.diff(starts_E1), np.array(first_E, dtype=np.float64)
    best_T = np.empty(len(x_T))
    for step in range(int(lengths.max(initial=0))):
        alive = np.flatnonzero(lengths > step)
        here = starts_E1[alive] + step
        best_T[here] = best_E[alive]
        best_E[alive] = np.maximum(best_E[alive], x_T[here])
    return best_T


def relevance(
    iou_T: np.ndarray, iou_E: np.ndarray, starts_E1: np.ndarray, better: float = 0.5, worse: float = 0.5
) -> np.ndarray:
    """Rfm_k = better if IoU_k > best_k, else -worse * (best_k - IoU_k); 0 at the last turn, which answers.

    Args:
        iou_T: |selected and relevant| / |selected or relevant| of each turn's selection.
        iou_E: that of what was in view before the first turn.
        starts_E1: offsets of the episodes.
        better: for beating all that came before; the same selection never earns it twice.
        worse: per unit of IoU below the best; not published.

    Source: arXiv 2508.20478, specs/credit/video-mtr-gated-bilevel.
    """
    short_T = best_before(iou_T, iou_E, starts_E1) - iou_T
    return np.where(last_turns(starts_E1), 0.0, np.where(short_T < 0, better, -worse * short_T))


def retrieving_share(starts_E1: np.ndarray) -> float:
    """Share of episodes that did anything before they answered: those of two turns or more."""
    return float(np.mean(np.diff(starts_E1) > 1)) if len(starts_E1) > 1 else 1.0


@dataclass(frozen=True)
class VideoMtr(Shaping):
    """Gated evidence and form, then bi-level GAE, whose discount per turn carries the answer's reward back.

    R = 1[R_acc > threshold] * sum_{k < K} (Rfm_k + form * ok_k) + R_acc + form * ok_K, R_acc the world's return.
    better = worse = 0: outcome with form. threshold=-inf: no gate, the plain sum (D-RA). An episode of one turn:
    R_acc + form. The critic must see what was selected before: best_k depends on it. Source: see `relevance`.
    """

    name: ClassVar[str] = "video-mtr"
    needs: ClassVar[frozenset[str]] = frozenset({"signals", "critic", "token_critic"})
    unit: ClassVar[Unit] = "token"
    reads_T: ClassVar[tuple[str, ...]] = ("iou", "form")
    reads_E: ClassVar[tuple[str, ...]] = ("iou",)
    biased: ClassVar[str] = "right episodes are paid for evidence and form besides the answer"
    signal: str = "iou"  # name of the overlap with the evidence: of a turn's selection; of an episode, at its start
    form_signal: str = "form"  # name of the 0/1 judgement that a turn has the required form
    better: float = 0.5  # for an overlap above every earlier one
    worse: float = 0.5  # times how far the overlap lies below the best; ours, the paper's is not known
    form: float = 0.1  # for a turn of the required form
    threshold: float = 0.0  # of the return, to be exceeded before turns other than the last are paid; -inf: no gate
    warm_below: float = 0.0  # share of episodes that retrieve below which retrieving itself is paid; 0: never
    warm: float = 0.1  # paid then for each turn before the last, gate or no gate; ours, the paper's is not known
    inner: CreditRule = BilevelGae()  # turns these rewards into credit; its gamma is the discount across turns

    def shaped(self, x: CreditInput) -> np.ndarray:
        iou_T, iou_E = x.signal(self.signal, self.name), x.signal(self.signal, self.name, of="episode")
        form_T, last_T = self.form * x.signal(self.form_signal, self.name), last_turns(x.starts_E1)
        steps_T = relevance(iou_T, iou_E, x.starts_E1, self.better, self.worse) + np.where(last_T, 0.0, form_T)
        gated_T = gated_steps(x.returns_E, [steps_T], x.starts_E1, (self.threshold,), strict=True)
        warm = self.warm if retrieving_share(x.starts_E1) < self.warm_below else 0.0
        return x.rewards_T + gated_T + np.where(last_T, form_T, warm)
