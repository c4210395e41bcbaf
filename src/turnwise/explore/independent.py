"""Independent episodes, and groups of them on the same task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Task
from turnwise.explore.table import Table, each


@dataclass(frozen=True)
class Independent:
    """One episode per task, in the order of the tasks."""

    needs = frozenset[str]()
    gives = frozenset[str]()

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """As many episodes as tasks; a task that stands twice gets two members."""
        return await play_all(tasks, table)


@dataclass(frozen=True)
class Grouped:
    """`members` episodes of every task, so that a rule can compare episodes that began alike.

    The world's hidden facts are the task's, so they are shared; draws during play (noise, opponents, sampling) are
    each member's own. Rules that compare equal states of a group (GiGPO's anchors) need no explorer of their own: where
    a state comes again is read from what the members saw.
    """

    members: int = 8
    needs = frozenset[str]()
    gives = frozenset({"group"})

    def __post_init__(self) -> None:
        if self.members < 2:
            raise TurnwiseError(
                f"members = {self.members}", "at least 2 episodes of each task", "use the explorer `independent`"
            )

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """`len(tasks) * members` episodes, the members of a task side by side; a task that stands twice has twice as
        many.
        """
        return await play_all([task for task in tasks for _ in range(self.members)], table)


async def play_all(tasks: Sequence[Task], table: Table) -> list[Episode]:
    """An episode per entry, in their order; those of one task are its members 0, 1, 2..."""
    return await each(tasks, table.play)
