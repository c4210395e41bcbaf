"""Whether two tables put the same methods in the same order (specs/evaluate/ranking-correlation)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.stats import rankdata

from turnwise.core.errors import TurnwiseError

FEWEST = 4
"""Methods below which not even perfect agreement could be told from chance (1 / 3! > .05)."""


@dataclass(frozen=True)
class Agreement:
    """A rank correlation: of the means, with the interval that the runs leave, and what chance would give."""

    value: float
    low: float  # 95% of the resampled runs lie between
    high: float
    p: float  # share of all orders of the methods that agree as well or better: one-sided, exact


def kendall(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> float:
    """tau-b: sum_{i<j} sign(x_i - x_j) sign(y_i - y_j) over the root of the numbers of pairs untied in x and in y; 0
    where all values of one side are equal, since there is no order to agree with.
    """
    signs = [np.sign(np.subtract.outer(side, side)) for side in (x, y)]
    untied = [np.square(sign).sum() for sign in signs]
    return float((signs[0] * signs[1]).sum() / np.sqrt(untied[0] * untied[1])) if all(untied) else 0.0


def spearman(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> float:
    """rho: Pearson of the ranks, ties at their mean rank; 0 where all values of one side are equal."""
    ranks = [rankdata(side) - (len(side) + 1) / 2 for side in (x, y)]
    spread = [rank @ rank for rank in ranks]
    return float(ranks[0] @ ranks[1] / np.sqrt(spread[0] * spread[1])) if all(spread) else 0.0


def agreement(
    correlation: Callable[..., float],
    returns_MST: np.ndarray,
    published_M: Sequence[float],
    rng: np.random.Generator,
    resamples: int = 1000,
) -> Agreement:
    """How well our order agrees with a published one.

    Args:
        correlation: `kendall` or `spearman`.
        returns_MST: mean return of each method with each seed on each task; methods share tasks and seeds.
        published_M: what the same methods had there, higher is better.
        rng: draws seeds and tasks anew, the same for all methods, which keeps them paired.

    Raises:
        TurnwiseError: too few methods to tell agreement from chance.
    """
    methods, seeds, tasks = returns_MST.shape
    if methods < FEWEST:
        raise TurnwiseError(
            f"an order of {methods} methods", f"{FEWEST} or more, below which any order agrees by chance", "play more"
        )
    found = correlation(returns_MST.mean((1, 2)), published_M)
    drawn = []
    for _ in range(resamples):
        s, t = rng.integers(seeds, size=seeds), rng.integers(tasks, size=tasks)
        drawn.append(correlation(returns_MST[:, s][:, :, t].mean((1, 2)), published_M))
    low, high = np.quantile(drawn, [0.025, 0.975])
    means = returns_MST.mean((1, 2))
    by_chance = [correlation(means, [published_M[i] for i in order]) for order in permutations(range(methods))]
    return Agreement(found, float(low), float(high), float(np.mean(np.array(by_chance) >= found - 1e-12)))
