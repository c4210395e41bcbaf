"""CIPHER: preferences inferred from edits, stored by context, drafted by those of the nearest (specs/plan/cipher)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from turnwise.core.errors import TurnwiseError
from turnwise.learn.text.drafter import Drafted, Learned, pair_of
from turnwise.learn.text.memory import Embed, Memory, Note, bag_of_words
from turnwise.learn.text.writer import Writer


@dataclass(frozen=True)
class Cipher:
    """CIPHER-k (arXiv 2404.15269).

        complete(x)       f~ = aggregate(f of the k contexts nearest to x), none while nothing is remembered;
                          y = generate(x, f~)
        learn(x, y, y')   f = f~ where y' = y, or else inferred from the pair; remember (x, f)

    Args:
        writer: drafts, infers and aggregates.
        k: contexts that are asked; with 1 nothing is aggregated.
        embed: context to a vector of length 1.
    """

    writer: Writer
    k: int = 5
    embed: Embed = bag_of_words

    def __post_init__(self) -> None:
        if self.k < 1:
            raise TurnwiseError(f"k = {self.k} nearest contexts", "1 or more")

    @property
    def name(self) -> str:
        return f"cipher-{self.k}"

    def start(self) -> Memory:
        return Memory()

    async def complete(self, state: Memory, context: str) -> Drafted:
        calls = {"generate": 1}
        nearest = state.nearest(self.embed(context), self.k)
        found = [note.content for note in nearest if note.content is not None]  # None: no preference was needed there
        preference: Any = None
        if found and self.k == 1:
            preference = found[0]
        elif found:
            preference, calls = await self.writer.aggregate(found), {"generate": 1, "aggregate": 1}
        return Drafted(await self.writer.draft(context, preference), preference, calls)

    async def learn(self, state: Memory, context: str, drafted: Drafted, edited: str) -> Learned:
        pair = pair_of(drafted, edited)
        if pair.accepted:
            return Learned(state.written(Note(self.embed(context), context, drafted.by, "kept")))
        inferred = await self.writer.infer([pair])
        return Learned(state.written(Note(self.embed(context), context, inferred, "edit")), {"infer": 1})
