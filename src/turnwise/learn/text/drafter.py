"""What learns from edits between two drafts: an interface with a state that is replaced and never changed.

y  = complete(x)        the agent's draft, from what it knows
learn(x, y, y')         what the user made of it, known before the next draft
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from turnwise.learn.text.writer import Pair


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, and what has to be remembered of how it came about until it comes back."""

    text: str
    by: Any = None  # the preference that it was written by
    calls: Mapping[str, int] = field(default_factory=lambda: {"generate": 1})  # of the writer, by name


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known after an edit."""

    state: Any
    calls: Mapping[str, int] = field(default_factory=dict)


class Drafter(Protocol):
    """A way of learning from edits."""

    @property
    def name(self) -> str:
        """For the record."""
        ...

    def start(self) -> Any:
        """Before the first draft."""
        ...

    async def complete(self, state: Any, context: str) -> Drafted:
        """A draft; the state stays as it is."""
        ...

    async def learn(self, state: Any, context: str, drafted: Drafted, edited: str) -> Learned:
        """What is known once the draft has come back."""
        ...


def pair_of(drafted: Drafted, edited: str) -> Pair:
    """Draft and edit."""
    return Pair(drafted.text, edited)


def together(*calls: Mapping[str, int]) -> dict[str, int]:
    """Calls added up."""
    return dict(sum((Counter(found) for found in calls), Counter[str]()))
