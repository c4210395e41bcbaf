"""What a person draws: each number is fixed by the episode, the turn and what it is for.

No draw depends on how many came before it, so the same person meets every agent: what an agent says changes which draws
are read and never what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from turnwise.core.chance import uniform_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draws:
    """The draws of one turn.

    Args:
        key: of the episode, or of a branch of it.
        turn: of the conversation.
    """

    key: int
    turn: int

    def uniform(self, name: str) -> float:
        """A number in [0, 1)."""
        return uniform_of(self.key, "person", self.turn, name)

    def happens(self, rate: float, name: str) -> bool:
        """Whether something of this chance does; nothing is drawn for what never happens."""
        return rate > 0.0 and self.uniform(name) < rate

    def choice(self, options: Sequence[T], name: str) -> T:
        """One of the options; of one alone, that one."""
        return options[0] if len(options) == 1 else options[int(self.uniform(name) * len(options))]
