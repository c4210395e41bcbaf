"""A rule over all replicates: means, and what is made from all of them together (specs/credit/README).

Every interval is +- 1.96 sd / sqrt(replicates). What needs the mean gradient of all replicates has its sd from the
pseudo-values of leaving out one of them (jackknife).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from turnwise.bench.credit.statistics import Scores
from turnwise.measure.estimate import Estimate
from turnwise.worlds.tabular import Tabular, Values, visits

SEEN = 20
"""So often every action of a state must have been taken for the state to count in bias and sd."""


@dataclass(frozen=True)
class Summary:
    """One rule over all replicates."""

    pearson: Estimate
    spearman: Estimate
    sign: Estimate
    null: Estimate
    cosine: Estimate  # of the mean gradient and the exact one, freed of the noise of its own length
    snr: Estimate  # squared signal over noise, at the episodes of one replicate
    kappa: Estimate  # the scale that brings the mean gradient closest to the exact one
    bias: Estimate  # rms over turns of kappa * (centred mean credit) - A, sampling variance taken off
    sd: Estimate  # kappa * standard deviation of credit at a (state, action), rms over turns
    size: Estimate  # rms A: what bias and sd are to be held against
    model_calls: Estimate  # per episode
    turns: Estimate  # of the environment, per episode


@dataclass(frozen=True, eq=False)
class Sums:
    """What replicates add up to."""

    even: np.ndarray  # sum of the gradients of replicates 0, 2, ..., flat
    odd: np.ndarray  # of the others
    evens: int
    odds: int
    square: float
    episodes: int  # of one replicate
    tables: np.ndarray  # [3, S, A]: turns, their credit, their squared credit

    @classmethod
    def of(cls, scores: Sequence[Scores]) -> Sums:
        """Of all replicates."""
        gradients = np.array([one.gradient.reshape(-1) for one in scores])
        return cls(
            even=gradients[::2].sum(0),
            odd=gradients[1::2].sum(0),
            evens=len(gradients[::2]),
            odds=len(gradients[1::2]),
            square=sum(one.square for one in scores),
            episodes=scores[0].episodes,
            tables=sum((tables_of(one) for one in scores), np.zeros(())),
        )

    def without(self, number: int, one: Scores) -> Sums:
        """All replicates but one, the others even or odd as before."""
        flat, odd = one.gradient.reshape(-1), number % 2
        return Sums(
            even=self.even if odd else self.even - flat,
            odd=self.odd - flat if odd else self.odd,
            evens=self.evens - (1 - odd),
            odds=self.odds - odd,
            square=self.square - one.square,
            episodes=self.episodes,
            tables=self.tables - tables_of(one),
        )


def tables_of(one: Scores) -> np.ndarray:
    """float64 [3, S, A]"""
    return np.array([one.counts, one.sums, one.squares])


def summarise(scores: Sequence[Scores], problem: Tabular, values: Values) -> Summary:
    """All figures of a rule.

    Args:
        scores: one per replicate, at least four.
        values: of the policy that played.
    """
    exact, sums = exact_gradient(problem, values), Sums.of(scores)
    everything, count = pooled(sums, exact, values), len(scores)
    left = [pooled(sums.without(i, one), exact, values) for i, one in enumerate(scores)]
    made = {}
    for name, value in everything.items():
        pseudo = count * value - (count - 1) * np.array([one[name] for one in left])
        made[name] = estimate(value, pseudo, "jackknife over replicates")
    averaged = [field.name for field in fields(Summary) if field.name not in made]
    return Summary(**made, **{name: averages(np.array([getattr(one, name) for one in scores])) for name in averaged})


def exact_gradient(problem: Tabular, values: Values) -> np.ndarray:
    """Of the expected return in the logits of the policy table, (S, A): w d(s) pi(a|s) A(s, a), w = 1 / tasks."""
    often = visits(problem, values.policy).mean(0)
    return often[:, None] * values.policy * values.advantages


def pooled(sums: Sums, exact: np.ndarray, values: Values) -> dict[str, float]:
    """All that replicates make together."""
    found = directions(sums, exact.reshape(-1))
    turns, credit, squared = sums.tables
    return found | spreads(turns, credit, squared, values, found["kappa"])


def directions(sums: Sums, exact: np.ndarray) -> dict[str, float]:
    """cosine, SNR and kappa of the gradient.

    e2 estimates |E g-hat|^2 without the noise of its own length: mean of the even replicates . mean of the odd ones.
    """
    replicates = sums.evens + sums.odds
    mean = (sums.even + sums.odd) / replicates
    e2 = float(sums.even @ sums.odd) / (sums.evens * sums.odds)
    noise, along, squared = sums.square / replicates - e2, float(mean @ exact), float(mean @ mean)
    return {
        "cosine": along / np.sqrt(e2 * (exact @ exact)) if e2 > 0 else float("nan"),
        "snr": sums.episodes * e2 / noise if noise > 0 else float("nan"),
        "kappa": along / squared if squared > 0 else float("nan"),
    }


def cosine(gradients: np.ndarray, exact: np.ndarray) -> Estimate:
    """Of the mean gradient and the exact one, freed of the noise of its own length.

    Args:
        gradients: [replicates, D].
        exact: [D].
    """
    odd = np.arange(len(gradients)) % 2 == 1

    def of(kept: np.ndarray) -> float:
        halves = [gradients[kept & side] for side in (~odd, odd)]
        sums = Sums(halves[0].sum(0), halves[1].sum(0), len(halves[0]), len(halves[1]), 0.0, 1, np.zeros(()))
        return directions(sums, exact)["cosine"]

    numbers, count = np.arange(len(gradients)), len(gradients)
    everything, left = of(numbers >= 0), np.array([of(numbers != out) for out in numbers])
    return estimate(everything, count * everything - (count - 1) * left, "jackknife over replicates")


def spreads(n: np.ndarray, credit: np.ndarray, squared: np.ndarray, values: Values, kappa: float) -> dict[str, float]:
    """bias, sd and size over the states all of whose actions were taken often enough, weighted by visits.

    Args:
        n, credit, squared: turns at each (state, action), their credit and their squared credit, summed, (S, A).
    """
    enough = (n >= SEEN).all(1)
    if not enough.any():
        return dict.fromkeys(("bias", "sd", "size"), float("nan"))
    n, credit, squared, policy = n[enough], credit[enough], squared[enough], values.policy[enough]
    truth, weights, means = values.advantages[enough], n / n.sum(), credit / n
    within = np.maximum(squared / n - means**2, 0.0) * n / (n - 1)
    of_mean = (policy**2 * within / n).sum(1, keepdims=True)  # variance of the state's policy-weighted mean
    sampling = (1.0 - 2.0 * policy) * within / n + of_mean
    off = kappa * (means - (policy * means).sum(1, keepdims=True)) - truth
    return {
        "bias": float(np.sqrt(max(0.0, (weights * (off**2 - kappa**2 * sampling)).sum()))),
        "sd": float(abs(kappa) * np.sqrt((weights * within).sum())),
        "size": float(np.sqrt((weights * truth**2).sum())),
    }


def averages(per_replicate: np.ndarray) -> Estimate:
    """Mean over the replicates in which a figure is defined."""
    kept = per_replicate[~np.isnan(per_replicate)]
    method = "normal over replicates"
    return estimate(float(kept.mean()), kept, method) if len(kept) else Estimate(None, 0, method=method)


def estimate(value: float, draws: np.ndarray, method: str) -> Estimate:
    """value +- 1.96 sd / sqrt(n) of independent draws whose mean it is."""
    count = len(draws)
    error = float(np.std(draws, ddof=1)) / np.sqrt(count) if count > 1 else float("nan")
    return Estimate(value, count, value - 1.96 * error, value + 1.96 * error, error, count, method=method)
