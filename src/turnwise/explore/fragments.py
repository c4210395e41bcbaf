"""Search over the fragments of a reply, for data: what the agent could have written from every place where it could
have gone another way (specs/learn/itool).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from turnwise.core.chance import key_of
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError, WrongPairing
from turnwise.core.protocols import View
from turnwise.core.types import Act, End, Episode, Message, Task, Tokens
from turnwise.explore.table import Table, each
from turnwise.plan.fragments import Fragment, Fragments, Ids, Piece, search_fragments, walk

AFTER = (". ", ", ", "=", "(")
"""A piece of a text ends behind the token with which one of these is complete."""

Judge = Callable[["Writer", View, Task, str], float]
"""From who wrote, the view, the task and a whole reply to what it is worth."""
Promise = Callable[[Task, str], float]
"""From the task and a fragment of a reply to what it promises."""


class Writer(Protocol):
    """The part of `turnwise.agents.plain.PlainAgent` that is asked."""

    chat: Any
    sampling: Any

    async def continued(self, view: View, begun: Sequence[int], key: int, temperature: float) -> Act: ...
    def score(self, views: Any, options: Any) -> list[np.ndarray]: ...


@dataclass(frozen=True)
class FragmentSearch:
    """One tree per task: all replies that the search wrote to its first view, each of them said to the world.

    A path that the world did not end is cut. `Episode.origin` holds `fragments`, the nodes below the root, parents
    first: the number of the `parent` (-1: the root), its `text`, a `turn` that it is part of, its tokens [`start`,
    `end`) of that turn's reply, its `visits`, and the `total` that they were worth.

    Args:
        judge: checks whole replies.
        promise: of a fragment, for the order of the search alone.
        how: of the search.
        temperature: of the continuations.
    """

    judge: Judge
    promise: Promise
    how: Fragments = field(default_factory=Fragments)
    temperature: float = 1.5
    needs = frozenset({"fork", "tokens"})
    gives = frozenset({"group", "branches"})

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise TurnwiseError(f"temperature = {self.temperature}", "more than 0: continuations that differ")

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """One tree per entry, in their order.

        Raises:
            WrongPairing: the agent cannot go on from a given beginning.
        """
        writer: Any = table.agents["agent"]
        if not hasattr(writer, "continued"):
            raise WrongPairing(
                f"{writer.name} is asked to go on with a reply that was begun",
                "a language model that runs here",
                "use scratch:..., hf:DIR or run:DIR",
            )
        return await each(tasks, lambda task, member: self._tree(task, member, table, writer))

    async def _tree(self, task: Task, member: int, table: Table, writer: Writer) -> Episode:
        async with table.place():
            start = table.cursor(task, member)
            start.begin()
            if not start.open:
                return table.record(start, task, member)
            draft = Draft(self, writer, start, task)
            root = await search_fragments(draft, self.how)
            turns = {whole: self._say(table, start, draft, whole) for whole in draft.wholes}
            episode = table.record(start, task, member)
            return replace(episode, origin={**episode.origin, "fragments": nodes_of(root, turns, writer.chat.decode)})

    def _say(self, table: Table, start: Cursor, draft: Draft, whole: Ids) -> int:
        """The turn of a whole reply, said in a copy of the start."""
        twin = table.fork(start, f"reply {len(start.tree.turns)}")
        logprobs = np.array(draft.logps[whole], np.float32)
        tokens = Tokens(
            np.array(draft.prompt, np.int32), np.array(whole, np.int32), logprobs, np.ones(len(whole), bool)
        )
        message = Message("assistant", draft.writer.chat.decode(whole))
        twin.take({"agent": Act(message, None, tokens, version=draft.version)})
        if twin.open:
            twin.cut(End.TURNS)
        return twin.node


@dataclass
class Draft:
    """A reply while it is searched: `turnwise.plan.fragments.Writing` with the agent's own tokens."""

    search: FragmentSearch
    writer: Writer
    start: Cursor
    task: Task
    logps: dict[Ids, tuple[float, ...]] = field(default_factory=lambda: {(): ()})  # of every beginning of a piece
    wholes: dict[Ids, float] = field(default_factory=dict)  # what each whole reply is worth, in the order of finding
    asked: int = 0
    version: int = 0  # weights that wrote

    def __post_init__(self) -> None:
        self.view = self.start.view("agent")
        self.prompt: list[int] = self.writer.chat.open(self.view.messages)
        self.version: int = getattr(getattr(self.writer, "engine", None), "policy", self).version if False else 0

    async def continued(self, begun: Ids, count: int) -> list[list[Piece]]:
        """The agent goes on, with draws of their own."""
        keys = [key_of(self.view.chance_key, "fragment", self.asked + n) for n in range(count)]
        self.asked += count
        heat = self.search.temperature
        said = await asyncio.gather(*(self.writer.continued(self.view, begun, key, heat) for key in keys))
        return [self._pieces(begun, act) for act in said]

    def _pieces(self, begun: Ids, act: Act) -> list[Piece]:
        """A continuation, cut; the log-probabilities of its tokens are kept for the record."""
        assert act.tokens is not None
        ids, logps, pieces = act.tokens.reply.tolist(), act.tokens.logprobs.tolist(), []
        self.version = act.version
        for start, end in cuts(ids, self.writer.chat.decode):
            pieces.append(Piece(tuple(ids[start:end]), sum(logps[start:end])))
            self.logps.setdefault((*begun, *ids[:end]), (*self.logps[begun], *logps[:end]))
        return pieces

    def fast(self, fragment: Ids) -> float:
        """What the fragment's text promises."""
        return self.search.promise(self.task, self.writer.chat.decode(fragment))

    async def score(self, whole: Ids) -> float:
        """What the whole reply is worth; the same reply is judged once."""
        if whole not in self.wholes:
            text = self.writer.chat.decode(whole)
            self.wholes[whole] = self.search.judge(self.writer, self.view, self.task, text)
        return self.wholes[whole]


def nodes_of(root: Fragment, turns: Mapping[Ids, int], decode: Callable[[Ids], str]) -> list[dict[str, Any]]:
    """The nodes below the root as JSON values; see `FragmentSearch`."""
    nodes: list[dict[str, Any]] = []
    number, parent = {id(root): -1}, dict[int, int]()
    for begun, node in walk(root):
        if node is not root:
            ids = begun + node.ids
            number[id(node)] = len(nodes)
            turn = next(turn for whole, turn in turns.items() if whole[: len(ids)] == ids)
            place = {"parent": parent[id(node)], "text": decode(node.ids), "turn": turn}
            nodes.append({**place, "start": len(begun), "end": len(ids), "visits": node.visits, "total": node.total})
        parent |= {id(child): number[id(node)] for child in node.children.values()}
    return nodes


def cuts(ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> list[tuple[int, int]]:
    """(start, end) of each piece: it ends with the token that completes a mark of `AFTER`, or with the reply."""
    found, start = [], 0
    for end in range(1, len(ids) + 1):
        if end == len(ids) or any(mark in decode(ids[start:end]) for mark in AFTER):
            found.append((start, end))
            start = end
    return found
