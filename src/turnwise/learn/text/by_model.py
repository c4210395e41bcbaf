"""A language model that drafts, infers and aggregates: preferences are short phrases (specs/plan/cipher).

The prompts have the original's roles and fields; their wording is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from turnwise.core.chance import key_of
from turnwise.core.types import Message
from turnwise.learn.text.writer import Pair

DRAFT = "{context}\n\nAnswer with the text alone."
DRAFT_BY = "{context}\n\nThe reader prefers: {preference}.\nAnswer with the text alone."
DRAFT_LIKE = (
    "{examples}\n\nNow write this, so that it would need no such edits.\n\n{context}\n\nAnswer with the text alone."
)
EXAMPLE = "A draft:\n{draft}\n\nAs the reader edited it:\n{edited}"
INFER = "{examples}\n\nWhat does the reader prefer? Answer with a short phrase about style, and nothing else."
AGGREGATE = (
    "What readers preferred in cases like this one, the most alike first:\n{preferences}\n\n"
    "Put what they have in common into one short phrase. Answer with the phrase alone."
)


class Conversation(Protocol):
    """One conversation with a model."""

    async def reply(self, messages: Sequence[Message], key: int = 0) -> Message: ...


class Model(Protocol):
    """Anything one can talk to; `turnwise.models.scripted.Scripted` is one."""

    def open(self) -> Conversation: ...


@dataclass(frozen=True)
class ByModel:
    """A writer that asks a model, each time in a conversation of its own.

    Args:
        model: whom; draws are fixed by the prompt, so the same question gets the same answer.
    """

    model: Model

    async def draft(self, context: str, preference: str | None) -> str:
        """A text; without a preference, or with an empty one, from the context alone."""
        if not preference:
            return await self._ask(DRAFT.format(context=context))
        return await self._ask(DRAFT_BY.format(context=context, preference=preference))

    async def draft_like(self, context: str, pairs: Sequence[Pair]) -> str:
        """A text, with edits as examples; where there are none, from the context alone."""
        if not pairs:
            return await self.draft(context, None)
        return await self._ask(DRAFT_LIKE.format(context=context, examples=shown(pairs)))

    async def infer(self, pairs: Sequence[Pair]) -> str:
        """A phrase for what edits have in common."""
        return phrase(await self._ask(INFER.format(examples=shown(pairs))))

    async def aggregate(self, preferences: Sequence[str]) -> str:
        """A phrase for several."""
        listed = "\n".join(f"- {preference}" for preference in preferences)
        return phrase(await self._ask(AGGREGATE.format(preferences=listed)))

    async def _ask(self, prompt: str) -> str:
        reply = await self.model.open().reply([Message("user", prompt)], key_of("writer", prompt))
        return reply.text


def shown(pairs: Sequence[Pair]) -> str:
    """Edits as a prompt shows them."""
    return "\n\n".join(EXAMPLE.format(draft=pair.draft, edited=pair.edited) for pair in pairs)


def phrase(text: str) -> str:
    """A phrase on one line, without the full stop that the prompt adds."""
    return " ".join(text.split()).rstrip(".")
