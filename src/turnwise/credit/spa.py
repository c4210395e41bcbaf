"""SPA-RL: the outcome redistributed over turns by a fitted model of what each turn contributed to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import check_starts, piece_of
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping


def fit_contributions(
    features_TK: np.ndarray, starts_E1: np.ndarray, returns_E: np.ndarray, ridge: float = 1.0
) -> np.ndarray:
    """theta = argmin sum_i (sum_t theta . f[i, t] - R_i)^2 + ridge * |theta|^2, (K,).

    Args:
        features_TK: what is known of each turn before and at its act, never of the outcome.
        starts_E1: offsets of the episodes, in turns.
        returns_E: outcome of each episode.
        ridge: above 0. The sums alone do not say which of two turns that always come together earned it;
            the ridge takes the smallest theta.

    The contribution of a turn is features_TK @ theta. A constant feature alone gives each turn about the mean
    outcome over the mean length. Fit on other episodes than those credited, and again when the policy moved.
    Source: arXiv 2505.20732, specs/credit/spa-rl.
    """
    features_TK = np.asarray(features_TK, dtype=np.float64)
    starts_E1 = check_starts(starts_E1, len(features_TK), "starts_E1")
    sums_EK = np.zeros((len(starts_E1) - 1, features_TK.shape[1]))
    np.add.at(sums_EK, piece_of(starts_E1), features_TK)
    return _ridge(sums_EK, returns_E, ridge)


def fit_table(
    ids_T: np.ndarray, starts_E1: np.ndarray, returns_E: np.ndarray, ridge: float = 1.0, size: int | None = None
) -> np.ndarray:
    """`fit_contributions` with one weight per id of (state, act), (size,): the contribution of a turn is theta[id].

    Args:
        ids_T: id of what was seen and done at each turn, from 0.
        size: number of ids; those that never came up get 0. None: the largest id and one.
    """
    ids_T = np.asarray(ids_T)
    starts_E1 = check_starts(starts_E1, len(ids_T), "starts_E1")
    seen, column_T = np.unique(ids_T, return_inverse=True)
    flat = piece_of(starts_E1) * len(seen) + column_T
    counts = np.bincount(flat, minlength=(len(starts_E1) - 1) * len(seen)).reshape(-1, len(seen))
    theta = np.zeros(int(seen[-1]) + 1 if size is None and len(seen) else size or 0)
    theta[seen] = _ridge(counts.astype(np.float64), returns_E, ridge)
    return theta


def _ridge(sums_EK: np.ndarray, returns_E: np.ndarray, ridge: float) -> np.ndarray:
    """Ridge regression through the smaller of its two equal systems: K x K, or E x E."""
    if ridge <= 0:
        raise TurnwiseError(f"ridge = {ridge}", "a number above 0", "1.0 is what the reference figures use")
    episodes, columns = sums_EK.shape
    if columns <= episodes:
        return np.linalg.solve(sums_EK.T @ sums_EK + ridge * np.eye(columns), sums_EK.T @ returns_E)
    return sums_EK.T @ np.linalg.solve(sums_EK @ sums_EK.T + ridge * np.eye(episodes), returns_E)


def fused(contributions_T: np.ndarray, executed_T: np.ndarray | float, alpha: float, beta: float) -> np.ndarray:
    """r_t = alpha * c_t + beta * g_t, (T,): contribution, and 1 where the world carried the act out."""
    return alpha * contributions_T + beta * executed_T


@dataclass(frozen=True)
class Spa(Shaping):
    """Contributions in place of the outcome, then another rule. Reads what `fit_contributions` says of each turn.

    r_t = alpha * contribution_t + beta * executed_t takes the place of the world's reward. inner=RewardToGo():
    SPA as reward; inner=RewardToGo(gamma=0.0): SPA as credit; inner=TokenGae(): the paper. Contributions that are
    the world's rewards: the inner rule alone. Source: specs/credit/spa-rl.
    """

    name: ClassVar[str] = "spa"
    needs: ClassVar[frozenset[str]] = frozenset({"signals"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("contribution",)
    reads_E: ClassVar[tuple[str, ...]] = ()
    biased: ClassVar[str] = ""
    signal: str = "contribution"  # name of a turn's contribution to the outcome, from a model fitted on other episodes
    executed: str = "executed"  # name of the flag that the world carried the act out; read where beta is not 0
    alpha: float = 1.0  # weight of the contribution
    beta: float = 0.0  # weight of being carried out; released: 0.5, which pays for long episodes
    inner: CreditRule = RewardToGo()  # turns these rewards into credit

    def bend(self) -> str:
        if self.beta:
            return "every act that the world carries out is paid, so long episodes are"
        if isinstance(self.inner, RewardToGo) and self.inner.gamma == 0.0:
            return "what a turn contributed is no advantage: nothing is taken off it"
        return ""

    def shaped(self, x: CreditInput) -> np.ndarray:
        executed_T = x.signal(self.executed, self.name) if self.beta else 0.0
        return fused(x.signal(self.signal, self.name), executed_T, self.alpha, self.beta)
