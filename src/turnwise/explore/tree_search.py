"""Tree search for data: where the policy's own ideas lead, tried from the same point with the same hidden facts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from turnwise.core.cursor import Cursor, ask, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Episode, Seat, Task
from turnwise.explore.table import Table
from turnwise.plan.mcts import search


@dataclass(frozen=True)
class TreeSearch:
    """MCTS from the start of every task; the episode is the whole tree.

    A move is a reply of the agent, one of `width` that it has for a place, those that say the same counted once. A new
    place is worth the return of one rollout of the agent from there.

    The search goes on from copies that keep the hidden facts (`Cursor.fork`), so what it finds is data to learn from
    and to credit, and no way to act: a move that it likes may owe its worth to facts that no player knows.

    Args:
        simulations: rollouts of a task, and so leaves of its tree, ends that are walked to again left out.
        width: replies asked for at a place, at most.
        c: weight of exploration, in units of the returns.
    """

    simulations: int = 16
    width: int = 3
    c: float = 1.0
    needs = frozenset({"fork"})
    gives = frozenset({"group", "branches"})

    def __post_init__(self) -> None:
        if self.simulations < 2 or self.width < 1 or self.c < 0:
            raise TurnwiseError(
                f"simulations = {self.simulations}, width = {self.width}, c = {self.c}",
                "2 or more simulations, 1 or more replies, c of 0 or more",
            )

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """One tree per entry, in their order."""
        played: Counter[str] = Counter()
        trees = []
        for task in tasks:
            trees.append(self._tree(task, played[task.key], table))
            played[task.key] += 1
        return list(await asyncio.gather(*trees))

    async def _tree(self, task: Task, member: int, table: Table) -> Episode:
        async with table.place():
            start = table.cursor(task, member)
            start.begin()
            if start.open:
                game = _Played(table, self.width)
                try:
                    await search(game, _Spot(start), self.simulations, self.c)
                finally:
                    game.close()
            return table.record(start, task, member)


@dataclass(eq=False)
class _Spot:
    """A live point, and what the agent would say there."""

    cursor: Cursor
    ideas: dict[Hashable, tuple[Cursor, Mapping[Seat, Act]]] = field(default_factory=dict)


@dataclass
class _Played:
    """An episode as a game: moves are the agent's replies, worth is the agent's return."""

    table: Table
    width: int
    open: list[Cursor] = field(default_factory=list)  # whose carries are to be released

    async def moves(self, spot: _Spot) -> Sequence[Hashable]:
        """What the seats whose move it is would say, asked `width` times."""
        if not spot.cursor.open:
            return ()
        twins = [self._fork(spot.cursor, f"idea {number}") for number in range(self.width)]
        for twin, acts in zip(twins, await asyncio.gather(*(ask(t, self.table.agents) for t in twins)), strict=True):
            for seat, act in (acts or {}).items():
                twin.seats[seat].carry = act.carry  # to be released even where the idea is never tried
            if acts is not None:
                spot.ideas.setdefault(tuple((seat, act.message.text) for seat, act in acts.items()), (twin, acts))
        return tuple(spot.ideas)

    async def step(self, spot: _Spot, move: Hashable) -> tuple[_Spot, float]:
        """Say it, and let the others answer until the agent has a move."""
        cursor, acts = spot.ideas[move]
        cursor.take(acts)
        while cursor.moment is not None and cursor.open and "agent" not in cursor.moment.to_act:
            others = await ask(cursor, self.table.agents)
            if others is not None:
                cursor.take(others)
        return _Spot(cursor), earned(cursor, spot.cursor.node)

    async def value(self, spot: _Spot) -> float:
        """The return of one rollout from here."""
        if not spot.cursor.open:
            return 0.0
        rollout = self._fork(spot.cursor, "rollout")
        await play(rollout, self.table.agents)
        return earned(rollout, spot.cursor.node)

    def _fork(self, cursor: Cursor, member: str) -> Cursor:
        twin = self.table.fork(cursor, member)
        self.open.append(twin)
        return twin

    def close(self) -> None:
        """Release what the agents carry."""
        for cursor in self.open:
            cursor.close(self.table.agents)


def earned(cursor: Cursor, since: int) -> float:
    """What the agent earned on a path after the turn `since`."""
    total, node = 0.0, cursor.node
    while node != since:
        total += cursor.tree.turns[node].rewards.get("agent", 0.0)
        node = cursor.tree.turns[node].parent
    return total
