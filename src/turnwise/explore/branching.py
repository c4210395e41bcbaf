"""Branching where the policy became less sure: rollouts of a task share what came before (specs/credit/arpo)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from turnwise.core.chance import uniform_of
from turnwise.core.cursor import Cursor, ask, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Episode, Seat, Task, Tokens
from turnwise.explore.table import Table, each


def surprise(tokens: Tokens, first: int = 20) -> float:
    """- sum ln p over the first sampled tokens of a reply, nats.

    Its expectation is the entropy of those tokens, so it stands for the entropy where the sampler keeps the
    log-probability of the drawn token alone. It is noisy, and high too where an unlikely reply came out of a sure law.
    """
    return -float(tokens.logprobs[tokens.sampled][:first].astype("float64").sum())


@dataclass(frozen=True)
class Branching:
    """ARPO's sampler: `roots` rollouts of every task, and branches of them up to `paths`, all in one tree.

        dH = (H_t - H_0) / nats          H_t: surprise of the reply after the t-th observation, H_0: of the first reply
        branch with probability  clip(even + weight * dH, 0, 1)

    A branch begins before the reply that was found unsure and draws one of its own: same past, same hidden facts, other
    luck from there on. A path branches at most once per turn, and the first turn, with which H is compared, never.
    While budget is left, the paths of a task take their turns together, so that who gets it does not depend on who is
    fast; then each goes on alone. When all have ended below the budget, what is left begins anew from the prompt.

    The roots share what the world drew in its reset. A player without log-probabilities (a script, a person) has no
    dH, and branches with probability `even`. With roots = paths this is plain sampling of a group.

    Source: arXiv 2507.19849 and its repository, which compares the entropies over the ten likeliest candidates.
    """

    paths: int = 16  # of each task, its budget M
    roots: int = 8  # of them from the prompt, N
    weight: float = 0.2  # of the rise
    even: float = 0.5  # probability where nothing rose
    nats: float = 1.0  # one unit of the rise; ARPO divides by ln(vocabulary)
    first: int = 20  # tokens of a reply that are looked at
    needs = frozenset({"fork"})
    gives = frozenset({"group", "branches"})

    def __post_init__(self) -> None:
        if not 1 <= self.roots <= self.paths or self.paths < 2:
            raise TurnwiseError(
                f"roots = {self.roots} of paths = {self.paths}",
                "at least 2 paths, and from 1 to as many roots",
                "half of the paths as roots is ARPO's default",
            )
        if not self.nats > 0 or not 0 <= self.even <= 1 or self.first < 1:
            raise TurnwiseError(
                f"nats = {self.nats}, even = {self.even}, first = {self.first}",
                "nats above 0, even from 0 to 1, first of 1 or more",
            )

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """One tree per entry, in their order; the tree of a task has `paths` leaves."""
        return await each(tasks, lambda task, member: _Tree(self, table, task, member).grow())

    def chance(self, rise: float) -> float:
        """Probability of a branch, given dH."""
        return min(max(self.even + self.weight * rise, 0.0), 1.0)


@dataclass(slots=True, eq=False)
class _Path:
    """A live path, and how sure its first reply was."""

    cursor: Cursor
    begun: bool = False  # whether the first reply was given
    sure: float | None = None  # H_0, None without log-probabilities
    made: int = -1  # the tick at which it branched off

    def rise(self, tokens: Tokens | None, first: int) -> float:
        """H_t - H_0 in nats, 0 where nothing is known."""
        return 0.0 if tokens is None or self.sure is None else surprise(tokens, first) - self.sure


@dataclass
class _Tree:
    """One task's paths while they grow."""

    how: Branching
    table: Table
    task: Task
    member: int
    paths: int = 0  # begun so far
    live: list[_Path] = field(default_factory=list)

    async def grow(self) -> Episode:
        """All paths to their ends."""
        async with self.table.place():
            start = self.table.cursor(self.task, self.member)
            start.begin()
            try:
                while start.open and (self.live or self.paths < self.how.paths):
                    if not self.live:
                        self._plant(start, self.how.roots if not self.paths else self.how.paths - self.paths)
                    await (self._turn() if self.paths < self.how.paths else self._rest())
            finally:
                for path in self.live:
                    path.cursor.close(self.table.agents)
            return self.table.record(start, self.task, self.member)

    def _plant(self, start: Cursor, count: int) -> None:
        """So many paths from the prompt."""
        self.live = [_Path(self.table.fork(start, f"root {self.paths + n}")) for n in range(count)]
        self.paths += count

    async def _turn(self) -> None:
        """Every live path takes a turn; some of them branch before it."""
        asked = list(self.live)
        said = await asyncio.gather(*(ask(path.cursor, self.table.agents) for path in asked))
        for path, acts in zip(asked, said, strict=True):
            if acts is not None:
                if self._branches(path, acts):
                    self._branch(path)
                path.cursor.take(acts)
            if not path.cursor.open:
                self.live.remove(path)
                path.cursor.close(self.table.agents)

    async def _rest(self) -> None:
        """The budget is spent: every live path goes on to its end."""
        await asyncio.gather(*(play(path.cursor, self.table.agents) for path in self.live))
        self.live = []

    def _branches(self, path: _Path, acts: Mapping[Seat, Act]) -> bool:
        """Whether a path branches before what it just said."""
        if "agent" not in acts:
            return False
        tokens = acts["agent"].tokens
        if not path.begun:
            path.begun, path.sure = True, None if tokens is None else surprise(tokens, self.how.first)
            return False
        if self.paths >= self.how.paths or path.made == path.cursor.tick:
            return False
        drawn = uniform_of(path.cursor.chance.key, "branch", path.cursor.tick)
        return drawn < self.how.chance(path.rise(tokens, self.how.first) / self.how.nats)

    def _branch(self, path: _Path) -> None:
        tick = path.cursor.tick
        self.live.append(_Path(self.table.fork(path.cursor, f"branch {tick}"), True, path.sure, tick))
        self.paths += 1
