"""A theorem by way of subgoals: a planner names them, provers work on each together, and what one proved is a fact for
all (specs/learn/bfs_prover_v2).

    plan     goals in order, each with the earlier ones that its proof may use; the theorem is the last
    work     all provers expand one place each, again and again, until one of them has a proof or `patience` is spent
    fact     a proved goal, kept under its canonical name; who asks for it again has a hit, and spends nothing
    stuck    the planner is asked again, with what is proved and what was too hard
    no planner: the theorem is the only goal and gets all nodes, which is plain search

A node is a place that some prover expands; what is spent is the sum over the provers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from turnwise.core.errors import TurnwiseError

Goal = TypeVar("Goal", bound=Hashable)
Wanted = TypeVar("Wanted", bound=Hashable, contravariant=True)


@dataclass(frozen=True)
class Step(Generic[Goal]):
    """Something to prove, and the goals before it that its proof may use."""

    goal: Goal
    uses: tuple[Goal, ...] = ()


@dataclass(frozen=True, eq=False)
class Fact(Generic[Goal]):
    """A proved goal. Its proof stands on the lemmas alone, and each of them is a fact, perhaps under other names."""

    goal: Goal
    proof: Any
    lemmas: Mapping[Goal, Fact[Goal]] = field(default_factory=dict)


class Attempt(Protocol):
    """One prover at work on one goal."""

    @property
    def open(self) -> bool:
        """Whether there is anything left to try."""
        ...

    async def expand(self) -> Any | None:
        """Expand one place; the proof where that finishes it."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...


class Provers(Protocol[Wanted]):
    """What can be proved, and by whom."""

    def name(self, goal: Wanted) -> Hashable:
        """The same for goals that differ in names alone: a proof of one is a proof of the other."""
        ...

    def attempt(self, goal: Wanted, lemmas: Sequence[Wanted], draw: int) -> Attempt:
        """Begin; `draw` names the luck."""
        ...


class Planner(Protocol[Goal]):
    """Names the subgoals."""

    def plan(self, theorem: Goal, proved: Sequence[Goal], stuck: Sequence[Goal]) -> Sequence[Step[Goal]]:
        """Steps in order, the theorem last; those that are proved already may be among them."""
        ...


class Facts(Generic[Goal]):
    """What is proved, for all provers of all theorems. Whoever asks for a goal that somebody works on waits for him."""

    def __init__(self) -> None:
        self.held: dict[Hashable, Fact[Goal]] = {}
        self.hits = 0
        self._work: dict[Hashable, asyncio.Event] = {}

    async def ask(self, name: Hashable, prove: Callable[[], Awaitable[Fact[Goal] | None]]) -> Fact[Goal] | None:
        """The fact of that name: held, proved by somebody meanwhile, or proved now; None where that fails."""
        while name not in self.held and name in self._work:
            await self._work[name].wait()
        if name in self.held:
            self.hits += 1
            return self.held[name]
        done = self._work[name] = asyncio.Event()
        try:
            fact = await prove()
        finally:
            del self._work[name]
            done.set()
        if fact is not None:
            self.held[name] = fact
        return fact


@dataclass(frozen=True)
class Outcome(Generic[Goal]):
    """What came of a theorem."""

    fact: Fact[Goal] | None  # None where the nodes did not suffice
    nodes: int  # spent
    plans: int  # how often a planner was asked


class Proving(Generic[Goal]):
    """The way to one theorem.

    Args:
        provers: who can prove what.
        facts: shared with everybody.
        planner: None for plain search.
        nodes: of the theorem with all its subgoals, at most.
        patience: nodes of one goal before the planner is asked again.
        together: provers at work on a goal.
    """

    def __init__(
        self,
        provers: Provers[Goal],
        facts: Facts[Goal],
        planner: Planner[Goal] | None = None,
        nodes: int = 256,
        patience: int = 64,
        together: int = 2,
    ):
        if nodes < 1 or patience < 1 or together < 1:
            raise TurnwiseError(f"nodes = {nodes}, patience = {patience}, together = {together}", "1 or more of each")
        self.provers, self.facts, self.planner = provers, facts, planner
        self.nodes, self.patience, self.together = nodes, nodes if planner is None else patience, together

    async def prove(self, theorem: Goal) -> Outcome[Goal]:
        """Plan, prove in order, plan again where that is stuck, until it follows or the nodes are spent."""
        proved: dict[Goal, Fact[Goal]] = {}
        stuck: list[Goal] = []
        left, plans = self.nodes, 0
        while theorem not in proved and left:
            steps: Sequence[Step[Goal]] = [Step(theorem)]
            if self.planner is not None:
                steps, plans = self.planner.plan(theorem, tuple(proved), tuple(stuck)), plans + 1
            before = left
            for step in (step for step in steps if step.goal not in proved):
                lemmas = {goal: proved[goal] for goal in step.uses}
                work = _Work(self, step.goal, lemmas, time=len(stuck), most=min(self.patience, left))
                fact = await self.facts.ask(self.provers.name(step.goal), work.done)
                left -= work.spent
                if fact is None:
                    stuck.append(step.goal)
                    break
                proved[step.goal] = fact
            if theorem not in proved and left == before:
                break  # nothing was left to try, and it would be so again
        return Outcome(proved.get(theorem), self.nodes - left, plans)


@dataclass
class _Work(Generic[Goal]):
    """All provers on one goal; the first proof ends it, of those at one time the one of the lower number."""

    proving: Proving[Goal]
    goal: Goal
    lemmas: Mapping[Goal, Fact[Goal]]
    time: int
    most: int
    spent: int = 0

    async def done(self) -> Fact[Goal] | None:
        how = self.proving
        first = self.time * how.together
        attempts = [
            how.provers.attempt(self.goal, tuple(self.lemmas), first + number) for number in range(how.together)
        ]
        try:
            while turn := [one for one in attempts if one.open][: self.most - self.spent]:
                self.spent += len(turn)
                for proof in await asyncio.gather(*(one.expand() for one in turn)):
                    if proof is not None:
                        return Fact(self.goal, proof, self.lemmas)
        finally:
            for one in attempts:
                one.close()
        return None
