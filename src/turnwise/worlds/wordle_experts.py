"""Scripted players of Wordle, from clueless to near the ceiling; each reads only the conversation.

Own simulation over the 431 words: `random` -5.94, `mixture` -4.13 (the published data policy), `mostly-consistent`
-2.68, `consistent` -2.38, `entropy` -1.95; the published ceiling is -1.94.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds.wordle_rules import Words, spell


class Consistent:
    """With probability `share` a uniform word among those that fit what was seen, else any word of the list.

    `share` 1 never guesses a word that cannot win; 0 ignores the marks; 0.33 made the published data (the paper says
    66% any word; 0.33 fits its mean return slightly better than 0.34).
    """

    def __init__(self, words: Words, share: float = 1.0):
        self.words, self.share = words, share

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        careful = self.share >= 1.0 or rng.random() < self.share
        bits = self.words.consistent(view.messages) if careful else self.words.everything
        members = self.words.members(bits)
        return spell(self.words.list[members[rng.integers(len(members))]])


class EntropyGreedy:
    """The consistent word whose marks are expected to tell most, a uniform one among equals."""

    def __init__(self, words: Words):
        self.words = words

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        best = most_telling(self.words, self.words.consistent(view.messages))
        return spell(self.words.list[best[rng.integers(len(best))]])


@lru_cache(maxsize=100_000)
def most_telling(words: Words, bits: int) -> np.ndarray:
    """Indices of the members of a set whose marks split it with the highest entropy."""
    members = words.members(bits)
    codes = words.table[np.ix_(members, members)].astype(np.int64)  # [k, k]
    rows = np.arange(len(members))[:, None] * 243
    counts = np.bincount((rows + codes).ravel(), minlength=len(members) * 243).reshape(-1, 243)
    left = (counts * np.log(np.maximum(counts, 1))).sum(1)  # k times the expected log of the number of words left
    return members[left <= left.min() + 1e-9]


EXPERTS: dict[str, Callable[..., Callable[[View, np.random.Generator], str]]] = {
    "consistent": lambda world: Consistent(world.words),
    "entropy": lambda world: EntropyGreedy(world.words),
    "mixture": lambda world: Consistent(world.words, share=0.33),
    "mostly-consistent": lambda world: Consistent(world.words, share=0.8),
    "random": lambda world: Consistent(world.words, share=0.0),
}
