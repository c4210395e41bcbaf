"""A program that drafts, infers and aggregates in the world `edit` where elsewhere a language model does
(specs/plan/cipher).

A preference is a part of a style: slot -> value. What it knows of the user is what it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from turnwise.worlds.edit_desk import read_context
from turnwise.worlds.edit_documents import SLOTS, Style, style_of, write


class Edited(Protocol):
    """A draft and what the user made of it."""

    @property
    def draft(self) -> str: ...
    @property
    def edited(self) -> str: ...


class StyleWriter:
    """Infers the difference of a pair slot by slot, and aggregates by the majority of those who name a slot."""

    async def draft(self, context: str, preference: Style | None) -> str:
        """The notes in the plain style, but for what is preferred."""
        notes, told = read_context(context)
        return write(notes, {**(preference or {}), **(told or {})})

    async def draft_like(self, context: str, pairs: Sequence[Edited]) -> str:
        """The notes with that done to them which was done to these drafts."""
        return await self.draft(context, majority([difference(pair) for pair in pairs]))

    async def infer(self, pairs: Sequence[Edited]) -> Style:
        """What was changed, and to what."""
        return majority([difference(pair) for pair in pairs])

    async def aggregate(self, preferences: Sequence[Style]) -> Style:
        """One for all."""
        return majority(preferences)


def difference(pair: Edited) -> Style:
    """What an edit changed, and to what; all of it, where the draft was no document."""
    before, after = style_of(pair.draft) or {}, style_of(pair.edited) or {}
    return {slot: value for slot, value in after.items() if before.get(slot) != value}


def majority(preferences: Sequence[Style]) -> Style:
    """For each slot the value that most of those name who name one; of equals the first that is named."""
    named: dict[str, Counter[str]] = {}
    for preference in preferences:
        for slot, value in preference.items():
            named.setdefault(slot, Counter())[value] += 1
    return {slot: named[slot].most_common(1)[0][0] for slot in SLOTS if slot in named}
