"""What CIPHER is compared with: learning nothing, once, from the latest edits alone, or from examples in the prompt
(specs/plan/cipher).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from turnwise.core.errors import TurnwiseError
from turnwise.learn.text.drafter import Drafted, Learned, pair_of
from turnwise.learn.text.memory import Embed, Memory, Note, bag_of_words
from turnwise.learn.text.writer import Pair, Writer


@dataclass(frozen=True)
class NoLearning:
    """Drafts from the context alone."""

    writer: Writer
    name: str = "no-learning"

    def start(self) -> None:
        return None

    async def complete(self, state: None, context: str) -> Drafted:
        return Drafted(await self.writer.draft(context, None))

    async def learn(self, state: None, context: str, drafted: Drafted, edited: str) -> Learned:
        return Learned(None)


@dataclass(frozen=True, slots=True)
class Edits:
    """What is known of a user in general."""

    pairs: tuple[Pair, ...] = ()  # edits that were looked at, oldest first
    preference: Any = None


@dataclass(frozen=True)
class OnePreference:
    """What drafts by one preference for every context have in common.

    Args:
        n: edits that it is inferred from.
    """

    writer: Writer
    n: int = 5

    def __post_init__(self) -> None:
        check_edits(self.n)

    def start(self) -> Edits:
        return Edits()

    async def complete(self, state: Edits, context: str) -> Drafted:
        return Drafted(await self.writer.draft(context, state.preference), state.preference)


@dataclass(frozen=True)
class ExploreThenExploit(OnePreference):
    """One preference from the first n edits, kept for ever."""

    name: str = "explore-exploit"

    async def learn(self, state: Edits, context: str, drafted: Drafted, edited: str) -> Learned:
        pair = pair_of(drafted, edited)
        if pair.accepted or len(state.pairs) == self.n:
            return Learned(state)
        pairs = (*state.pairs, pair)
        if len(pairs) < self.n:
            return Learned(Edits(pairs))
        return Learned(Edits(pairs, await self.writer.infer(pairs)), {"infer": 1})


@dataclass(frozen=True)
class Continual(OnePreference):
    """One preference from the last n edits, whatever the context, inferred anew after each."""

    name: str = "continual"

    async def learn(self, state: Edits, context: str, drafted: Drafted, edited: str) -> Learned:
        pair = pair_of(drafted, edited)
        if pair.accepted:
            return Learned(state)
        pairs = (*state.pairs, pair)[-self.n :]
        return Learned(Edits(pairs, await self.writer.infer(pairs)), {"infer": 1})


@dataclass(frozen=True)
class IclEdit:
    """Drafts with the k nearest earlier drafts and their edits as examples; no preference is put into words. A draft
    that was accepted is no example: nothing was edited.
    """

    writer: Writer
    k: int = 5
    embed: Embed = bag_of_words
    name: str = "icl-edit"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise TurnwiseError(f"k = {self.k} examples", "1 or more")

    def start(self) -> Memory:
        return Memory()

    async def complete(self, state: Memory, context: str) -> Drafted:
        examples = [note.content for note in state.nearest(self.embed(context), self.k)]
        return Drafted(await self.writer.draft_like(context, examples))

    async def learn(self, state: Memory, context: str, drafted: Drafted, edited: str) -> Learned:
        pair = pair_of(drafted, edited)
        if pair.accepted:
            return Learned(state)
        return Learned(state.written(Note(self.embed(context), context, pair, "edit")))


def check_edits(n: int) -> None:
    """Refuse to learn from no edits."""
    if n < 1:
        raise TurnwiseError(f"a preference from {n} edits", "1 or more")
