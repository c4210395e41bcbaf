"""The table at which episodes are played: a world, who sits where, and how many episodes are live at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from turnwise.core.chance import Chance, key_of
from turnwise.core.cursor import Cursor, Limits, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import Agent, Explorer
from turnwise.core.types import End, Episode, Seat, Task
from turnwise.worlds.base import World

Driver = Callable[[Sequence[Coroutine]], list]
"""Runs coroutines to their end and returns their results in order: `Engine.run`, or `run_plain` where no engine of
ours is involved.
"""


def run_plain(coroutines: Sequence[Coroutine]) -> list:
    """Run coroutines on an event loop of their own: for scripted players, people and remote models."""

    async def gather() -> list:
        return list(await asyncio.gather(*coroutines))

    return asyncio.run(gather())


@dataclass
class Table:
    """Where episodes are played.

    Args:
        world: the definition; each episode gets a live copy.
        agents: who fills each seat.
        seed: of the run; with the stage and the round it fixes every draw.
        stage, round: where in the run the episodes belong; part of their ids.
        draws: names the draws; episodes of two tables with the same seed and draws meet the same luck (paired
            evaluation).
            By default stage and round, so that no two rounds meet the same.
        limits: budgets per path.
        live: most episodes at once; None is no limit.
        drive: what runs the coroutines.
        on_episode: called with each finished episode (progress displays).
    """

    world: World
    agents: Mapping[Seat, Agent]
    seed: int
    stage: str = "play"
    round: int = 0
    draws: str | None = None
    limits: Limits = field(default_factory=Limits)
    live: int | None = None
    drive: Driver = run_plain
    on_episode: Callable[[Episode], None] | None = None
    _places: asyncio.Semaphore | None = None

    def cursor(self, task: Task, member: int) -> Cursor:
        """A live point at the start of an episode.

        Its draws depend on seed, draws, task and member alone, not on who plays.
        """
        key = key_of(self.seed, self.draws or f"{self.stage}/{self.round}", task.key, member)
        return Cursor(self.world.live(), task, Chance(key), self.limits)

    async def play(self, task: Task, member: int = 0) -> Episode:
        """One episode from start to end."""
        async with self.place():
            cursor = await play(self.cursor(task, member), self.agents)
            return self.record(cursor, task, member)

    def place(self) -> AbstractAsyncContextManager[Any]:
        """A place for one more live episode, with all its branches; held while the context lasts."""
        return self._places or nullcontext()

    def record(self, cursor: Cursor, task: Task, member: int) -> Episode:
        """The finished record with its id and origin."""
        names = {seat: agent.name for seat, agent in self.agents.items()}
        origin = {"agents": names, "stage": self.stage, "round": self.round, "member": member, "seed": self.seed}
        episode = cursor.episode(f"{self.stage}/{self.round}/{task.key}/{member}", origin)
        if self.on_episode is not None:
            self.on_episode(episode)
        return episode

    def collect(self, explorer: Explorer, tasks: Sequence[Task]) -> list[Episode]:
        """Run an explorer to its end.

        Raises:
            TurnwiseError: every single episode broke, which is a mistake and not data.
        """
        self._places = asyncio.Semaphore(self.live) if self.live else None
        try:
            episodes = self.drive([explorer.collect(tasks, self)])[0]
        finally:
            self._places = None  # it belongs to the event loop that is over
        broken = [leaf.error for e in episodes for leaf in e.ends if leaf.end is End.ERROR]
        if episodes and len(broken) == sum(len(e.ends) for e in episodes):
            raise TurnwiseError(
                f"all {len(episodes)} episodes broke; the first: {broken[0]}",
                "episodes that can be played",
                "play one by hand: turnwise play " + self.world.name,
            )
        return episodes

    def fork(self, cursor: Cursor, member: Any) -> Cursor:
        """A branch of a live point."""
        return cursor.fork(member, self.agents)


async def each(tasks: Sequence[Task], one: Callable[[Task, int], Coroutine[Any, Any, Episode]]) -> list[Episode]:
    """An episode per entry, in their order, all at once; a task that comes again is played as another member.

    Args:
        one: task and member to episode.
    """
    played: Counter[str] = Counter()
    plays = []
    for task in tasks:
        plays.append(one(task, played[task.key]))
        played[task.key] += 1
    return list(await asyncio.gather(*plays))
