"""Value-guided tree search for data: a critic of what was begun says where to look (specs/learn/rest_mcts)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from turnwise.core.protocols import View
from turnwise.core.types import Episode, Task
from turnwise.explore.ideas import Ideas, Spot, searched
from turnwise.explore.table import Table, each
from turnwise.plan.mcts_star import Star, star_search

Worth = Callable[[View], float]
"""From what the agent sees to how far along it is, 0 to 1."""


@dataclass(frozen=True)
class ValueSearch:
    """MCTS* from the start of every task; the episode is the whole tree, rollouts included, paths on which the search
    did not go on cut.

    A finished path is worth 1 where the world calls it a success and 0 where not: the search that makes training data
    knows the right answers, as in the paper's. A path that is under way is worth what the critic says of it.

    Args:
        worth: the critic, asked with what the agent would see next.
        how: see `turnwise.plan.mcts_star.Star`.
    """

    worth: Worth
    how: Star = field(default_factory=Star)
    needs = frozenset({"fork"})
    gives = frozenset({"group", "branches"})

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """One tree per entry, in their order."""
        return await each(tasks, lambda task, member: self._tree(task, member, table))

    async def _tree(self, task: Task, member: int, table: Table) -> Episode:
        ideas = _Valued(table, self.how.width, worth=self.worth)

        async def look(spot: Spot) -> None:
            await star_search(ideas, spot, self.how)
            ideas.cut()

        return await searched(table, task, member, ideas, look)


@dataclass
class _Valued(Ideas):
    """Places with a value."""

    worth: Worth = lambda view: 0.0

    async def value(self, spot: Spot) -> float:
        """What the world says of an end, what the critic says of anything else."""
        if spot.cursor.open:
            return self.worth(spot.cursor.view("agent"))
        moment = spot.cursor.moment
        return float(bool(moment is not None and moment.facts.get("success")))
