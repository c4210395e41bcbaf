"""How token losses are averaged: a weight per token, fixed before the pass, so that any split into forward passes sums
to the same loss.

token-mean             1 / (loss tokens of the minibatch)
row-mean               1 / (rows * loss tokens of the row)          the 1/length of GRPO: long rows weigh less per token
row-sum                1 / rows
constant               1 / (rows * constant)                        Dr. GRPO: the longest generation allowed, so length
does not matter
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from turnwise.core.errors import UnknownName


def token_mean(counts: np.ndarray, constant: float) -> np.ndarray:
    """Weight of a token in each row; `counts` are the loss tokens per row."""
    return np.full(len(counts), 1.0 / max(counts.sum(), 1))


def row_mean(counts: np.ndarray, constant: float) -> np.ndarray:
    """See the module's table."""
    return 1.0 / (_used(counts) * np.maximum(counts, 1))


def row_sum(counts: np.ndarray, constant: float) -> np.ndarray:
    """See the module's table."""
    return np.full(len(counts), 1.0 / _used(counts))


def constant_sum(counts: np.ndarray, constant: float) -> np.ndarray:
    """See the module's table."""
    return np.full(len(counts), 1.0 / (_used(counts) * constant))


AVERAGINGS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "token-mean": token_mean,
    "row-mean": row_mean,
    "row-sum": row_sum,
    "constant": constant_sum,
}


def token_weights(averaging: str, counts: Sequence[int], constant: float) -> np.ndarray:
    """Loss weight of one token in each row of a minibatch, float64 [rows].

    Raises:
        UnknownName: no such averaging.
    """
    check_averaging(averaging)
    return AVERAGINGS[averaging](np.asarray(counts, np.float64), constant)


def check_averaging(name: str) -> None:
    """Refuse a misspelt one."""
    if name not in AVERAGINGS:
        raise UnknownName("averaging", name, AVERAGINGS)


def _used(counts: np.ndarray) -> float:
    """Rows that carry any loss; the others neither help nor count."""
    return max(int((counts > 0).sum()), 1)
