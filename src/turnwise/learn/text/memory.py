"""A memory of preferences by context: written once a round, read by the nearest contexts (specs/plan/cipher)."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from turnwise.core.errors import TurnwiseError

Vector = Mapping[str, float]
"""Dimension -> value; what is not named is 0. The length is 1."""

Embed = Callable[[str], Vector]

Origin = Literal["edit", "kept"]
"""Where a note comes from: an edit said so, or the draft that it led to was accepted and it was kept."""


@lru_cache(maxsize=1 << 14)
def bag_of_words(text: str) -> Vector:
    """How often each word occurs, at length 1; case and punctuation do not count."""
    counts = Counter(re.findall(r"\w+", text.casefold()))
    length = sum(n * n for n in counts.values()) ** 0.5
    return {word: n / length for word, n in counts.items()}


def similarity(a: Vector, b: Vector) -> float:
    """The scalar product."""
    return sum([value * b[name] for name, value in a.items() if name in b])


@dataclass(frozen=True, slots=True)
class Note:
    """What is remembered of a round."""

    embedding: Vector  # of the context
    context: str
    content: Any  # a preference, or a pair of draft and edit
    origin: Origin


@dataclass(frozen=True, slots=True)
class Memory:
    """Notes, oldest first. A change gives another memory, so that branches of an episode remember apart."""

    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.notes)

    def written(self, note: Note) -> Memory:
        """With one note more."""
        return replace(self, notes=(*self.notes, note))

    def without(self, number: int) -> Memory:
        """With one note less: a wrong one would mislead for ever.

        Raises:
            TurnwiseError: there is no note of that number.
        """
        if not 0 <= number < len(self.notes):
            raise TurnwiseError(f"note {number} of a memory of {len(self)}", f"a number from 0 to {len(self) - 1}")
        return replace(self, notes=self.notes[:number] + self.notes[number + 1 :])

    def nearest(self, embedding: Vector, k: int) -> Sequence[Note]:
        """The k notes whose contexts are most alike, the most alike first and of equals the latest; all, where there
        are no more than k.
        """
        scored = ((similarity(embedding, note.embedding), n) for n, note in enumerate(self.notes))
        return [self.notes[n] for _, n in heapq.nlargest(k, scored)]
