"""Provers at a table, and a planner that takes goals apart: what `turnwise.plan.subgoals` works with
(specs/learn/bfs_prover_v2).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from turnwise.core.types import ROOT, Task
from turnwise.explore.best_first import Proposed, page_of
from turnwise.explore.ideas import Ideas, Spot
from turnwise.explore.table import Table
from turnwise.plan.best_first import Frontier
from turnwise.plan.subgoals import Step

Goal = TypeVar("Goal", bound=Hashable)


@dataclass(frozen=True)
class ByParts(Generic[Goal]):
    """Takes the theorem apart, and afterwards whatever was too hard; the parts of a goal stand before it and may be
    used for it.

    Args:
        parts: the goals that one falls into, none where it does not.
    """

    parts: Callable[[Goal], Sequence[Goal]]

    def plan(self, theorem: Goal, proved: Sequence[Goal], stuck: Sequence[Goal]) -> list[Step[Goal]]:
        """The same as before, with more of it in parts."""
        return list(dict.fromkeys(self._steps(theorem, {theorem, *stuck})))

    def _steps(self, goal: Goal, apart: set[Goal]) -> Iterator[Step[Goal]]:
        parts = tuple(self.parts(goal)) if goal in apart else ()
        for part in parts:
            yield from self._steps(part, apart)
        yield Step(goal, parts)


@dataclass(frozen=True)
class TableProvers(Generic[Goal]):
    """Best-first searches of the agent at a table, each goal a task of its world. Equal places are one.

    Args:
        table: where the agent sits.
        task_of: a goal with the lemmas that may be used -> the task, its key all that names the luck.
        name: the same for goals that differ in names alone.
        width: replies asked for at a place.
        a: normalisation by length.
    """

    table: Table
    task_of: Callable[[Goal, Sequence[Goal]], Task]
    name: Callable[[Goal], Hashable]  # type: ignore[misc]  # a field that is a function
    width: int = 3
    a: float = 1.0

    def attempt(self, goal: Goal, lemmas: Sequence[Goal], draw: int) -> SearchAttempt:
        """A search of its own luck."""
        return SearchAttempt(self.table, self.task_of(goal, lemmas), draw, self.width, self.a)


class SearchAttempt:
    """A best-first search for one proof; the proof is the texts that were said."""

    def __init__(self, table: Table, task: Task, draw: int, width: int, a: float):
        self.ideas = Ideas(table, width)
        start = table.cursor(task, draw)
        start.begin()
        self.frontier = Frontier(Proposed(self.ideas), Spot(start), a, page_of(table.world.refusal))

    @property
    def open(self) -> bool:
        """Whether there is a place to go on from."""
        return self.frontier.open

    async def expand(self) -> tuple[str, ...] | None:
        """What was said on the way to success, where this expansion comes to it."""
        solved = [found for found in await self.frontier.expand() if found.solved]
        return said(solved[0].place) if solved else None

    def close(self) -> None:
        """Release what the agents carry."""
        self.ideas.close()


def said(spot: Spot) -> tuple[str, ...]:
    """What the agent said on the path to a place."""
    turns, node = spot.cursor.tree.turns, spot.cursor.node
    texts: list[str] = []
    while node != ROOT:
        if turns[node].seat == "agent":
            texts.append(turns[node].message.text)
        node = turns[node].parent
    return tuple(texts[::-1])
