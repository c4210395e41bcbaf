"""Who writes for a learner of preferences: drafts, and the phrases that say what a user seems to want.

A language model does it by prompts (`by_model.py`); where texts follow rules, a program does it exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

P = TypeVar("P")
"""A preference: a phrase, or whatever else a writer makes of edits and can write by. It is never changed in place."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A draft and what the user made of it."""

    draft: str
    edited: str

    @property
    def accepted(self) -> bool:
        """Whether the user left it as it was."""
        return self.draft == self.edited


class Writer(Protocol[P]):
    """Three calls of a model, or of a program that stands in for one."""

    async def draft(self, context: str, preference: P | None) -> str:
        """A text for this context, by a preference where one is known."""
        ...

    async def draft_like(self, context: str, pairs: Sequence[Pair]) -> str:
        """A text for this context, as these edited texts would have it; there are no words for what they have in
        common.
        """
        ...

    async def infer(self, pairs: Sequence[Pair]) -> P:
        """What the edits say about what the user wants."""
        ...

    async def aggregate(self, preferences: Sequence[P]) -> P:
        """One preference for several, the most fitting first."""
        ...
