"""How token losses are averaged: a weight per token, fixed before the pass, so that any split into forward passes sums
to the same loss.

token-mean             1 / (loss tokens of the minibatch)
row-mean               1 / (rows * loss tokens of the row)          the 1/length of GRPO: long rows weigh less per token
row-sum                1 / rows
constant               1 / (rows * constant)                        Dr. GRPO: the longest generation allowed, so length
does not matter
episode-mean           1 / (M * loss tokens of the episode)         LOOP: M, the episodes of a full minibatch, does not
shrink where a filter left fewer, so little to learn from is a small step
episode-sum            1 / M                                        LOOP with one ratio per episode
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import UnknownName


@dataclass(frozen=True, eq=False)
class Counted:
    """A minibatch in numbers."""

    tokens: np.ndarray  # float64 [rows]: loss tokens of each row
    constant: float  # tokens: the divisor of `constant`
    episodes: np.ndarray  # int64 [rows]: the episode of each row
    full: int  # M: episodes of a full minibatch; this one may hold fewer

    @property
    def used(self) -> int:
        """Rows that carry any loss; the others neither help nor count."""
        return max(int((self.tokens > 0).sum()), 1)


def token_mean(of: Counted) -> np.ndarray:
    """Weight of a token in each row; see the module's table."""
    return np.full(len(of.tokens), 1.0 / max(of.tokens.sum(), 1))


def row_mean(of: Counted) -> np.ndarray:
    """See the module's table."""
    return 1.0 / (of.used * np.maximum(of.tokens, 1))


def row_sum(of: Counted) -> np.ndarray:
    """See the module's table."""
    return np.full(len(of.tokens), 1.0 / of.used)


def constant_sum(of: Counted) -> np.ndarray:
    """See the module's table."""
    return np.full(len(of.tokens), 1.0 / (of.used * of.constant))


def episode_mean(of: Counted) -> np.ndarray:
    """See the module's table."""
    number = np.unique(of.episodes, return_inverse=True)[1]
    spoken = np.bincount(number, weights=of.tokens)[number] if len(number) else of.tokens
    return 1.0 / (of.full * np.maximum(spoken, 1))


def episode_sum(of: Counted) -> np.ndarray:
    """See the module's table."""
    return np.full(len(of.tokens), 1.0 / of.full)


AVERAGINGS: dict[str, Callable[[Counted], np.ndarray]] = {
    "token-mean": token_mean,
    "row-mean": row_mean,
    "row-sum": row_sum,
    "constant": constant_sum,
    "episode-mean": episode_mean,
    "episode-sum": episode_sum,
}


def token_weights(
    averaging: str, counts: Sequence[int], constant: float, episodes: Sequence[int] | None = None, full: int = 0
) -> np.ndarray:
    """Loss weight of one token in each row of a minibatch, float64 [rows].

    Args:
        counts: loss tokens of each row.
        episodes: the episode of each row; None: each row is one.
        full: episodes of a full minibatch; 0: as many as there are.

    Raises:
        UnknownName: no such averaging.
    """
    check_averaging(averaging)
    held = np.arange(len(counts)) if episodes is None else np.asarray(episodes, np.int64)
    return AVERAGINGS[averaging](
        Counted(np.asarray(counts, np.float64), constant, held, full or max(len(np.unique(held)), 1))
    )


def check_averaging(name: str) -> None:
    """Refuse a misspelt one."""
    if name not in AVERAGINGS:
        raise UnknownName("averaging", name, AVERAGINGS)
