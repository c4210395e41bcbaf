"""The agent's desk in the world `edit`: how notes are shown, and how a conversation is read round by round.

write this up: mayor approve bridge narrowly; council fund stadium officially.
wanted: layout=bullets, tone=careful.                                            (only where the world tells)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from turnwise.worlds.edit_documents import Style
from turnwise.worlds.edit_words import Notes, Point

ASKS, WANTED = "write this up: ", "wanted: "


def context_of(notes: Notes, wanted: Style | None = None) -> str:
    """What the agent is shown."""
    asked = ASKS + "; ".join(map(str, notes)) + "."
    if wanted is None:
        return asked
    return f"{asked}\n{WANTED}{', '.join(f'{slot}={value}' for slot, value in wanted.items())}."


@lru_cache(maxsize=1 << 14)
def read_context(text: str) -> tuple[Notes, Style | None]:
    """Notes, and what is wanted where it is told."""
    asked, _, told = text.partition("\n" + WANTED)
    notes = tuple(Point(*words.split()) for words in asked.removeprefix(ASKS).rstrip(".").split("; "))
    return notes, dict(pair.split("=") for pair in told.rstrip(".").split(", ")) if told else None


@dataclass(frozen=True, slots=True)
class Past:
    """A round that is over."""

    context: str
    draft: str
    edited: str


def rounds_of(texts: Sequence[str]) -> tuple[list[Past], str]:
    """The rounds that are over, and the context of the present one; texts are all that was seen and said, in order."""
    past = [Past(*texts[at : at + 3]) for at in range(0, len(texts) - 1, 3)]
    return past, texts[-1]
