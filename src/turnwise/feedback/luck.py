"""How much of a path's return the world's answers gave or took, where the world's law is known
(specs/learn/multi_turn_dpo_kto).

    C(path) = sum over turns of  r + V(state after) - Q(state, act)
    V(s)    = eta * log E_{a ~ ref} exp( Q(s, a) / eta )            the reference's own soft values

So that return = eta * sum of log( best / ref ) + V(start) + C for the best policy that pays for leaving the reference.
Where answers are fixed, C is 0. The sheet's remedy learns V; here it is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from turnwise.core.types import End, Episode, Signal

NAME = "luck"


class Known(Protocol):
    """The part of `turnwise.worlds.exact.Exact` that is asked."""

    def luck(self, episode: Episode, leaf: int = 0) -> np.ndarray:
        """r + v - q of every turn of a path, float64 [turns]."""
        ...


@dataclass(frozen=True)
class Luck:
    """Feedback: the signal `luck` of a path is C, in the world's reward units; none of a path that broke.

    Args:
        known: makes the soft values of the reference as it is now.
    """

    known: Callable[[], Known]
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per path."""
        known = self.known()
        return [
            Signal(e.id, NAME, None, leaf, value=float(known.luck(e, leaf).sum()), source="the world's law")
            for e in episodes
            for leaf, end in enumerate(e.ends)
            if end.end is not End.ERROR
        ]
