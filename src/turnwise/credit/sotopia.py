"""Sotopia-RL: a judge's share of each utterance in the scores of its dialogue, averaged over dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import piece_of, piece_sums, spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.shaping import check_choice, rises
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns

Form = Literal["direct", "normalised", "uniform", "discount", "key", "progress"]


def attributed(
    shares_T: np.ndarray, scores_E: np.ndarray, starts_E1: np.ndarray, form: Form = "direct", scale: float = 3.0
) -> np.ndarray:
    """v[t]: what an utterance is given of its dialogue's score S in one dimension, (T,).

        direct      a / scale * S; -1 where a = -1, which the judge says of what it could not place
        normalised  S * a / sum a; sums to S over the dialogue (to 0 where the judge gave nothing)
        uniform     S                     discount  S * 0.9^(n - 1 - t), n own utterances
        key         S for the most critical utterance (the first of equals), 0 else
        progress    (a[t] - a[t-1]) / 10 * S, a[t] the score of the dialogue up to t, 0 before the first

    Args:
        shares_T: a, from 0 to `scale`: how critical to the outcome, not how good; not read by uniform and discount.
        scores_E: S of each dialogue, in the units of its dimension.
        starts_E1: offsets of the dialogues, own utterances only.

    Source: arXiv 2508.03905, specs/credit/sotopia-rl.
    """
    whole_T = spread(np.asarray(scores_E, np.float64), starts_E1)
    if form == "direct":
        return np.where(shares_T == -1, -1.0, shares_T / scale * whole_T)
    if form == "normalised":
        sum_T = spread(piece_sums(shares_T, starts_E1), starts_E1)
        return np.divide(shares_T * whole_T, sum_T, out=np.zeros(len(whole_T)), where=sum_T != 0)
    if form == "discount":
        return whole_T * 0.9 ** (spread(starts_E1[1:], starts_E1) - 1 - np.arange(len(whole_T)))
    if form == "key":
        return np.where(most_critical(shares_T, starts_E1), whole_T, 0.0)
    if form == "progress":
        return rises(shares_T, np.zeros(len(scores_E)), starts_E1) / 10.0 * whole_T
    return whole_T


def most_critical(shares_T: np.ndarray, starts_E1: np.ndarray) -> np.ndarray:
    """bool (T,): the first utterance of each dialogue with the largest share."""
    episode_T = piece_of(starts_E1)
    order = np.lexsort((np.arange(len(shares_T)), -shares_T, episode_T))  # best first, dialogue by dialogue
    chosen_T = np.zeros(len(shares_T), dtype=bool)
    chosen_T[order[starts_E1[:-1][np.diff(starts_E1) > 0]]] = True
    return chosen_T


def bounds_of(values_DT: Sequence[np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Smallest and largest value of each dimension over annotated data: taken once, stored, applied unchanged."""
    return tuple(float(v_T.min()) for v_T in values_DT), tuple(float(v_T.max()) for v_T in values_DT)


def combined(values_DT: Sequence[np.ndarray], lows: Sequence[float], highs: Sequence[float]) -> np.ndarray:
    """v[t] = 10 * mean over dimensions of (v_d[t] - low_d) / (high_d - low_d), (T,)."""
    parts = [(v_T - low) / (high - low) for v_T, low, high in zip(values_DT, lows, highs, strict=True)]
    return 10.0 * np.mean(parts, axis=0)


@dataclass(frozen=True)
class Sotopia:
    """The combined value of each utterance as its credit; the world's reward is not read.

    This is what the published reward model is fitted to; trained on, each utterance is an episode of one turn,
    and the published learner is Grpo on the model's score. One dimension, share `scale` at every turn and bounds
    (0, 10): the episode's score, broadcast. The partner's utterances are no agent turns and get nothing.
    """

    name: ClassVar[str] = "sotopia"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("goal", "relationship", "knowledge")
    reads_E: ClassVar[tuple[str, ...]] = ("goal", "relationship", "knowledge")
    biased: ClassVar[str] = "a share says how critical an utterance was, not whether it helped or hurt"
    dimensions: tuple[str, ...] = ("goal", "relationship", "knowledge")  # names: shares of turns, scores of episodes
    lows: tuple[float, ...] = (0.0, -5.0, 0.0)  # value that becomes 0, per dimension: the lowest score, or bounds_of
    highs: tuple[float, ...] = (10.0, 5.0, 10.0)  # value that becomes 1, per dimension
    form: Form = "direct"  # how a dialogue's score is laid on its utterances: see `attributed`
    scale: float = 3.0  # largest share that the judge can give; published also 5 and 10
    whiten: Whiten = "none"  # over what credit is whitened; without, no credit is negative

    def __post_init__(self) -> None:
        check_choice("form", self.form, get_args(Form))
        check_whiten(self.whiten)
        sizes = len(self.dimensions), len(self.lows), len(self.highs)
        if len(set(sizes)) > 1 or any(low >= high for low, high in zip(self.lows, self.highs, strict=False)):
            raise TurnwiseError(
                f"dimensions = {self.dimensions} with lows = {self.lows}, highs = {self.highs}",
                "one low and one high per dimension, the low below the high",
                "take them from annotated data: bounds_of, or from the scale of the scores",
            )

    def assign(self, x: CreditInput) -> CreditResult:
        values = [
            attributed(x.signal(d, self.name), x.signal(d, self.name, of="episode"), x.starts_E1, self.form, self.scale)
            for d in self.dimensions
        ]
        return CreditResult("turn", whiten_turns(combined(values, self.lows, self.highs), x, self.whiten))
