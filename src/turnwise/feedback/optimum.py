"""A teacher who knows the truth: each turn is scored by what it gave away, where a world's exact values are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from turnwise.core.types import Episode, Signal

NAME = "optimum"


class Known(Protocol):
    """The part of `turnwise.worlds.exact.Exact` that is asked."""

    def advantages(self, episode: Episode, leaf: int = 0) -> np.ndarray:
        """q - v of every turn of a path, float64 [turns]."""
        ...


@dataclass(frozen=True)
class Optimum:
    """Feedback: the signal `optimum` of a turn is q - v under the best policy, in the world's reward units: 0 for a
    best act, below 0 by what it cost.

    Args:
        known: exact values of the best policy.
    """

    known: Known
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn; a turn that several paths share is judged once."""
        signals = []
        for episode in episodes:
            costs: dict[int, tuple[int, float]] = {}
            for leaf in range(len(episode.ends)):
                path = episode.path(leaf)
                for turn, cost in zip(path, self.known.advantages(episode, leaf) if path else (), strict=True):
                    costs.setdefault(turn, (leaf, float(cost)))
            signals += [
                Signal(episode.id, NAME, turn, leaf, value=cost, source="exact values")
                for turn, (leaf, cost) in costs.items()
            ]
        return signals
