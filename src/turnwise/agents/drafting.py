"""An agent whose drafts come back edited: it learns between its turns, and what it learns is a memory, not weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from turnwise.core.protocols import View
from turnwise.core.types import Act, Message


class Learns(Protocol):
    """How it learns; see `turnwise.learn.text.drafter.Drafter`."""

    @property
    def name(self) -> str: ...

    def start(self) -> Any: ...

    async def complete(self, state: Any, context: str) -> Any: ...

    async def learn(self, state: Any, context: str, drafted: Any, edited: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """The private state of one path; nothing in it is ever changed, so branches share it."""

    state: Any  # what is known, as the learner has it
    context: str  # of the draft that is out
    drafted: Any


class DraftingAgent:
    """Learns from each edit before it drafts again.

    What it sees is a context; then, each time, its last draft as it came back and the next context. Memory is what an
    episode changes: it is carried along the path, forked with it, and begins anew with the next user.

    Args:
        learner: how it learns from edits.
    """

    slots: tuple[str, ...] = ("memory",)

    def __init__(self, learner: Learns):
        self.learner, self.name = learner, learner.name

    async def act(self, view: View, carry: Desk | None) -> Act:
        """A draft; the costs are calls of the writer, by name."""
        context, calls = view.new[-1].text, Counter[str]()
        state = self.learner.start() if carry is None else carry.state
        if carry is not None:
            learned = await self.learner.learn(state, carry.context, carry.drafted, view.new[0].text)
            state, calls = learned.state, calls + Counter(learned.calls)
        drafted = await self.learner.complete(state, context)
        return Act(
            Message("assistant", drafted.text),
            Desk(state, context, drafted),
            cost=costs(calls + Counter(drafted.calls)),
        )

    def fork(self, carry: Desk | None) -> Desk | None:
        """The same: what is known there is never changed."""
        return carry

    def close(self, carry: Any) -> None:
        """A memory holds nothing that has to be released."""


def costs(calls: Mapping[str, int]) -> dict[str, float]:
    """Calls as an act reports them."""
    return {f"{name} calls": float(number) for name, number in calls.items()}
