"""How good a rule's credit is on one replicate, against the exact advantage of the policy that played.

c is the credit and A the exact advantage of each agent turn. Source: specs/credit/README.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turnwise.bench.credit.sampling import Play
from turnwise.bench.credit.scene import Meter
from turnwise.worlds.tabular import Values

MATTERS = 0.02
"""Turns with a larger |A| are asked for the sign of their credit."""
NOTHING = 1e-9
"""Turns with a smaller |A| decide nothing."""


@dataclass(frozen=True, eq=False)
class Scores:
    """One rule on one replicate; tables are over all (state, action), (S, A)."""

    pearson: float
    spearman: float
    sign: float
    null: float
    model_calls: float  # per episode
    turns: float  # of the environment, per episode
    episodes: int
    gradient: np.ndarray  # g-hat: in the logits of the policy table, mean over episodes
    square: float  # mean over episodes of |g-hat of the episode|^2
    counts: np.ndarray  # turns
    sums: np.ndarray  # of their credit
    squares: np.ndarray  # of their squared credit


def score(played: Play, values: Values, credit_T: np.ndarray, cost: Meter) -> Scores:
    """All that is kept of a replicate.

    Args:
        values: of the policy that played.
        cost: of the rule, for the whole replicate.
    """
    shape, size = values.q.shape, values.q.size
    truth_T = values.advantages.reshape(-1)[played.cells_T]

    def total(per_turn: np.ndarray) -> np.ndarray:
        return np.bincount(played.cells_T, weights=per_turn, minlength=size).reshape(shape)

    counts, sums, squares = (total(x) for x in (np.ones_like(credit_T), credit_T, credit_T**2))
    episodes = len(played.starts_E1) - 1
    return Scores(
        pearson=correlation(credit_T, truth_T),
        spearman=correlation(ranks(credit_T), ranks(truth_T)),
        sign=sign_agreement(credit_T, truth_T),
        null=null_ratio(credit_T, truth_T),
        model_calls=cost.model_calls / episodes,
        turns=cost.turns / episodes,
        episodes=episodes,
        gradient=(sums - sums.sum(1, keepdims=True) * values.policy) / episodes,
        square=float((squares * score_norms(values.policy)).sum()) / episodes,
        counts=counts,
        sums=sums,
        squares=squares,
    )


def score_norms(policy: np.ndarray) -> np.ndarray:
    """|onehot(a) - pi(.|s)|^2, (S, A). A state comes once in an episode, so an episode's squares add up over turns."""
    return 1.0 - 2.0 * policy + (policy**2).sum(1, keepdims=True)


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's; nan where one of them does not vary."""
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norm) if norm > 0 else float("nan")


def ranks(x: np.ndarray) -> np.ndarray:
    """Rank of each entry, mean rank of equal ones, counted from 0; what differs by rounding alone is equal."""
    _, number, counts = np.unique(x.round(12), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[number]


def sign_agreement(credit_T: np.ndarray, truth_T: np.ndarray) -> float:
    """Share of turns with |A| > .02 where c has the sign of A; c = 0 counts one half."""
    matters = np.abs(truth_T) > MATTERS
    agreed = np.sign(credit_T[matters]) * np.sign(truth_T[matters])
    return float((agreed + 1.0).mean() / 2.0) if matters.any() else float("nan")


def null_ratio(credit_T: np.ndarray, truth_T: np.ndarray) -> float:
    """rms of c on turns that decide nothing, over its rms on the others; nan where one of them is missing."""
    nothing = np.abs(truth_T) < NOTHING
    if nothing.all() or not nothing.any() or not credit_T[~nothing].any():
        return float("nan")
    return float(np.sqrt((credit_T[nothing] ** 2).mean() / (credit_T[~nothing] ** 2).mean()))
