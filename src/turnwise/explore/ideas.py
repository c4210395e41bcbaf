"""An episode as something to search: a place is a live point, a move one of the replies that the agent has for it.

Every move that is tried is a turn of the episode's tree. The copies keep the hidden facts (`Cursor.fork`), so what a
search over them finds is data to learn from, and no way to act.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from turnwise.core.cursor import Cursor, ask
from turnwise.core.types import ROOT, Act, End, Episode, Seat, Task
from turnwise.explore.table import Table


@dataclass(eq=False)
class Spot:
    """A live point, and what the agent would say there."""

    cursor: Cursor
    ideas: dict[Hashable, tuple[Cursor, Mapping[Seat, Act]]] = field(default_factory=dict)
    after: dict[Hashable, tuple[Spot, float]] = field(default_factory=dict)  # what was tried: a turn is taken once


@dataclass
class Ideas:
    """Moves and steps of a search.

    Args:
        table: where the episode is played.
        width: replies asked for at a place; those that say the same are one move.
    """

    table: Table
    width: int
    forks: list[Cursor] = field(default_factory=list)  # whose carries are to be released

    async def moves(self, spot: Spot) -> Sequence[Hashable]:
        """What the seats whose move it is would say, asked `width` times."""
        return await self.some(spot, self.width)

    async def some(self, spot: Spot, width: int) -> Sequence[Hashable]:
        """The same, asked another number of times."""
        if not spot.cursor.open:
            return ()
        twins = [self.fork(spot.cursor, f"idea {number}") for number in range(width)]
        for twin, acts in zip(twins, await asyncio.gather(*(ask(t, self.table.agents) for t in twins)), strict=True):
            for seat, act in (acts or {}).items():
                twin.seats[seat].carry = act.carry  # to be released even where the idea is never tried
            if acts is not None:
                spot.ideas.setdefault(tuple((seat, act.message.text) for seat, act in acts.items()), (twin, acts))
        return tuple(spot.ideas)

    async def step(self, spot: Spot, move: Hashable) -> tuple[Spot, float]:
        """Say it, and let the others answer until the agent has a move."""
        if move in spot.after:
            return spot.after[move]
        cursor, acts = spot.ideas[move]
        cursor.take(acts)
        while cursor.moment is not None and cursor.open and "agent" not in cursor.moment.to_act:
            others = await ask(cursor, self.table.agents)
            if others is not None:
                cursor.take(others)
        spot.after[move] = Spot(cursor), earned(cursor, spot.cursor.node)
        return spot.after[move]

    def fork(self, cursor: Cursor, member: str) -> Cursor:
        """A copy of a point, with draws of its own."""
        twin = self.table.fork(cursor, member)
        self.forks.append(twin)
        return twin

    def cut(self) -> None:
        """End the paths from which the search did not go on: they are cuts, and what was played is kept."""
        for cursor in self.forks:
            tree = cursor.tree
            taken = {turn.parent for turn in tree.turns} | {leaf.turn for leaf in tree.ends}
            if cursor.open and cursor.node != ROOT and cursor.node not in taken:
                cursor.cut(End.TURNS)

    def close(self) -> None:
        """Release what the agents carry."""
        for cursor in self.forks:
            cursor.close(self.table.agents)


def earned(cursor: Cursor, since: int) -> float:
    """What the agent earned on a path after the turn `since`."""
    total, node = 0.0, cursor.node
    while node != since:
        total += cursor.tree.turns[node].rewards.get("agent", 0.0)
        node = cursor.tree.turns[node].parent
    return total


async def searched(
    table: Table, task: Task, member: int, ideas: Ideas, look: Callable[[Spot], Awaitable[object]]
) -> Episode:
    """The tree that a search leaves of an episode.

    Args:
        look: searches from a place, over `ideas`.
    """
    async with table.place():
        start = table.cursor(task, member)
        start.begin()
        if start.open:
            try:
                await look(Spot(start))
            finally:
                ideas.close()
        return table.record(start, task, member)
