"""Best-first search for data: the agent's likeliest path goes on first, until enough of them succeeded."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Task
from turnwise.explore.ideas import Ideas, Spot, searched
from turnwise.explore.table import Table, each
from turnwise.plan.best_first import best_first


@dataclass(frozen=True)
class BestFirst:
    """Best-first search from the start of every task; the episode is the whole tree.

    A move is one of `width` replies of the agent, those that say the same counted once; all moves of an expanded place
    are tried. A path on which the search did not go on is cut. Players without log-probabilities (a script, a person)
    have moves that are all alike, and the search goes by age.

    Args:
        expansions: places of a task that are expanded, at most.
        width: replies asked for at a place.
        a: normalisation of the log-probability by length; 0 none, 1 the mean.
        enough: successes after which a search stops.
        merge: places whose newest message reads the same, a refusal in front of it left out, are one place: for worlds
            whose newest page tells all that is so. A refused move then leads to where one is already, and is dropped.
    """

    expansions: int = 32
    width: int = 3
    a: float = 1.0
    enough: int = 1
    merge: bool = False
    needs = frozenset({"fork"})
    gives = frozenset({"group", "branches"})

    def __post_init__(self) -> None:
        if self.expansions < 1 or self.width < 1 or self.enough < 1 or not self.a >= 0:
            raise TurnwiseError(
                f"expansions = {self.expansions}, width = {self.width}, a = {self.a}, enough = {self.enough}",
                "1 or more expansions, replies and successes, a of 0 or more",
            )

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """One tree per entry, in their order."""
        return await each(tasks, lambda task, member: self._tree(task, member, table))

    async def _tree(self, task: Task, member: int, table: Table) -> Episode:
        ideas = Ideas(table, self.width)

        async def look(spot: Spot) -> None:
            same = page_of(table.world.refusal) if self.merge else None
            await best_first(Proposed(ideas), spot, self.expansions, self.a, self.enough, same)
            ideas.cut()

        return await searched(table, task, member, ideas, look)


def page_of(refusal: str) -> Callable[[Spot], Hashable]:
    """What names a place by its newest message, without a refusal; a place that broke is like no other."""

    def name(spot: Spot) -> Hashable:
        moment = spot.cursor.moment
        shown = moment.views.get("agent", ()) if moment is not None else ()
        return shown[-1].text.removeprefix(refusal) if shown else id(spot)

    return name


@dataclass(frozen=True)
class Proposed:
    """The agent's replies with their log-probabilities; the goal is the world's success."""

    ideas: Ideas

    async def moves(self, spot: Spot) -> Sequence[tuple[Hashable, float]]:
        """Likelier ones do not come first: the search orders them."""
        return [(move, self._logp(spot, move)) for move in await self.ideas.moves(spot)]

    async def step(self, spot: Spot, move: Hashable) -> tuple[Spot, bool]:
        """Say it."""
        after, _ = await self.ideas.step(spot, move)
        moment = after.cursor.moment
        return after, moment is not None and moment.end is not None and bool(moment.facts.get("success"))

    @staticmethod
    def _logp(spot: Spot, move: Hashable) -> float:
        acts = spot.ideas[move][1].values()
        return float(sum(act.tokens.logprobs.astype("float64").sum() for act in acts if act.tokens is not None))
