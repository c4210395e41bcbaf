"""Several candidates at every step, all of them executed, and the best gone on with (specs/learn/sport).

n replies, each said in a copy of the same point -> what the world answered to each
verifier -> the best of them; an answer that names none falls back to the first, and is counted
go on from there; the others stay in the tree as branches of one turn
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace

from turnwise.core.chance import generator
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Task
from turnwise.explore.ideas import Ideas, Spot
from turnwise.explore.table import Table, each

Verifier = Callable[[Cursor, Sequence[Cursor]], str]
"""From the point before a step and the points after each candidate to the number of the best one, counted from 1, as
text: what a model writes may be no number.
"""


@dataclass(frozen=True)
class Candidates:
    """One tree per task: a trunk, and at every step of it the candidates that were not chosen.

    Candidates that say the same are one. `Episode.origin` tells the trunk: `chosen`, its turns in order; `fallbacks`,
    steps at which the verifier named no candidate; `steps`, those at which there was a choice; `moved`, those of them
    at which the same candidates in another order were judged otherwise.

    Args:
        verifier: names the best.
        n: replies asked for at a step; 1 is an ordinary rollout.
    """

    verifier: Verifier
    n: int = 3
    needs = frozenset({"fork"})
    gives = frozenset({"group", "branches"})

    def __post_init__(self) -> None:
        if self.n < 1:
            raise TurnwiseError(f"n = {self.n}", "1 or more candidates at a step")

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """One tree per entry, in their order."""
        return await each(tasks, lambda task, member: self._tree(task, member, table))

    async def _tree(self, task: Task, member: int, table: Table) -> Episode:
        async with table.place():
            start, told = table.cursor(task, member), Told()
            start.begin()
            if start.open:
                ideas = Ideas(table, self.n)
                try:
                    await self._trunk(ideas, Spot(start), told)
                    ideas.cut()
                finally:
                    ideas.close()
            episode = table.record(start, task, member)
            return replace(episode, origin={**episode.origin, **told.as_json()})

    async def _trunk(self, ideas: Ideas, spot: Spot, told: Told) -> None:
        """Step by step to the end."""
        while moves := await ideas.moves(spot):
            after = [(await ideas.step(spot, move))[0] for move in moves]
            best = self._best(spot, moves, after, told)
            spot = after[best]
            told.chosen.append(spot.cursor.node)

    def _best(self, spot: Spot, moves: Sequence[Hashable], after: Sequence[Spot], told: Told) -> int:
        """The candidate to go on with."""
        if len(after) == 1:
            return 0
        best = parsed(self.verifier(spot.cursor, [s.cursor for s in after]), len(after))
        told.steps += 1
        told.fallbacks += best is None
        order = generator(spot.cursor.chance.key, "order", spot.cursor.tick).permutation(len(after))
        again = parsed(self.verifier(spot.cursor, [after[i].cursor for i in order]), len(after))
        told.moved += again is None or int(order[again]) != best
        return best or 0


@dataclass
class Told:
    """What a tree says about its making."""

    chosen: list[int] = field(default_factory=list)
    steps: int = 0
    fallbacks: int = 0
    moved: int = 0

    def as_json(self) -> dict[str, object]:
        """For the origin of the episode."""
        return {"chosen": self.chosen, "steps": self.steps, "fallbacks": self.fallbacks, "moved": self.moved}


def parsed(answer: str, n: int) -> int | None:
    """The index that a verifier's answer names, None where it names no candidate: "7" of three, or prose."""
    text = answer.strip()
    return int(text) - 1 if text.isascii() and text.isdigit() and 1 <= int(text) <= n else None
