"""Tree search for data: where the policy's own ideas lead, tried from the same point with the same hidden facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from turnwise.core.cursor import play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Task
from turnwise.explore.ideas import Ideas, Spot, earned, searched
from turnwise.explore.table import Table, each
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
        return await each(tasks, lambda task, member: self._tree(task, member, table))

    async def _tree(self, task: Task, member: int, table: Table) -> Episode:
        game = _Rollouts(table, self.width)
        return await searched(table, task, member, game, lambda spot: search(game, spot, self.simulations, self.c))


@dataclass
class _Rollouts(Ideas):
    """Moves are the agent's replies; a place is worth the return of one rollout of the agent from there."""

    async def value(self, spot: Spot) -> float:
        """The return of one rollout from here."""
        if not spot.cursor.open:
            return 0.0
        rollout = self.fork(spot.cursor, "rollout")
        await play(rollout, self.table.agents)
        return earned(rollout, spot.cursor.node)
