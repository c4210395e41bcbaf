"""What the learning tests play with: a made world, tiny policies with a vocabulary of their world, an explorer that
branches, and what a learner's gradient is.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from turnwise.agents.company import expert, in_company
from turnwise.agents.plain import PlainAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import Limits, ask, play
from turnwise.core.types import Batch, CreditTable, End, Episode, Message, Moment, Seat, Task
from turnwise.explore import Independent, Table
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.models.engine import Engine
from turnwise.models.load import load_policy
from turnwise.models.policy import Policy
from turnwise.models.sampling import Sampling
from turnwise.worlds import make
from turnwise.worlds.base import World


class Made(World):
    """Says a number that it draws, some times over.

    Args:
        turns: after so many it is over.
        keep: how many messages stay in view; None is all.
        breaks: the turn in which it fails, 0 for the reset; None is never.
        together: whether agent and user act at once.
    """

    name = "made"
    seats = ("agent", "user")
    turns: int = 3

    def __init__(self, turns: int = 3, keep: int | None = None, breaks: int | None = None, together: bool = False):
        self.turns, self.keep, self.breaks, self.together = turns, keep, breaks, together

    def tasks(self, split: str) -> Sequence[Task]:
        return [Task(f"{split}-{n}", self.name, {"n": n}, split) for n in range(4)]

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._chance, self._turn, self._hidden = chance, 0, chance.integer(10**6, "hidden")
        return self._moment({})

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        self._turn += 1
        return self._moment({seat: float(self._turn) for seat in said})

    def _moment(self, rewards: Mapping[Seat, float]) -> Moment:
        if self.breaks == self._turn:
            raise RuntimeError("out of order")
        drawn = self._chance.integer(10**6, "noise")
        over = self._turn >= self.turns
        to_act = () if over else self.seats if self.together else ("agent",)
        views = {
            seat: (Message("user", f"{seat} hears {drawn} in turn {self._turn}"),) for seat in to_act or ("agent",)
        }
        facts = {"hidden": self._hidden, "noise": drawn} | ({"success": drawn % 2 == 0} if over else {})
        keep = {} if self.keep is None else {"agent": self.keep}
        return Moment(views, to_act, rewards, end=End.DONE if over else None, facts=facts, keep=keep)


class Branches:
    """Plays every task for `at` turns, then goes on three times from there."""

    needs = frozenset[str]()
    gives = frozenset[str]()

    def __init__(self, at: int = 2):
        self.at = at

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        return list(await asyncio.gather(*(self._one(task, table) for task in tasks)))

    async def _one(self, task: Task, table: Table) -> Episode:
        trunk = table.cursor(task, 0)
        trunk.begin()
        for _ in range(self.at):
            if trunk.open and (acts := await ask(trunk, table.agents)):
                trunk.take(acts)
        twigs = [table.fork(trunk, member) for member in range(2)] if trunk.open else []
        await asyncio.gather(*(play(cursor, table.agents) for cursor in (trunk, *twigs)))
        return table.record(trunk, task, 0)


@lru_cache
def _nano(world: str, value_head: int, seed: int) -> Policy:
    place = make(world)
    table = Table(place, in_company(place, {"agent": expert(place)}), seed, limits=Limits(turns=5))
    demos = table.collect(Independent(), place.tasks("train")[:16])
    texts = [m.text for e in demos for t in e.turns for m in (*t.seen, t.message)]
    policy = load_policy("scratch:nano", seed=seed, corpus=texts, value_head=value_head)
    Imitation(policy, ImitationSettings(lr=3e-3, epochs=2, batch=4, warmup=1, value=0.0), seed).learn(Batch(demos))
    policy.version = 0
    return policy


def nano(world: str = "maze", value_head: int = False, seed: int = 0) -> Policy:
    """A policy with the vocabulary of a world that has imitated a little: some of its replies end, others are cut; a
    copy that may be changed.
    """
    return copy.deepcopy(_nano(world, value_head, seed))


class Noting(PlainAgent):
    """A plain agent that notes what its line held after every reply: the ids the sampler really read and wrote."""

    def __init__(self, *args: Any, **rest: Any):
        super().__init__(*args, **rest)
        self.lines: list[list[int]] = []

    async def act(self, view, carry):
        act = await super().act(view, carry)
        self.lines.append(list(act.carry.line.ids))
        return act


def sample(
    policy: Policy,
    world: World,
    count: int = 4,
    explorer: Any = None,
    *,
    turns: int | None = 5,
    max_new: int = 6,
    seed: int = 0,
    round: int = 0,
    temperature: float = 1.0,
) -> tuple[list[Episode], Noting]:
    """Episodes of the policy on the first tasks, and the agent that played them."""
    engine = Engine(policy)
    agent = Noting(engine, Sampling(max_new=max_new, temperature=temperature))
    tasks = world.tasks("train")
    seats = dict.fromkeys(world.seats, agent) | in_company(world, {"agent": agent})
    table = Table(world, seats, seed, "made", round, limits=Limits(turns), drive=engine.run)
    return table.collect(explorer or Independent(), [tasks[i % len(tasks)] for i in range(count)]), agent


def credit_of(episodes: Sequence[Episode], seed: int = 0) -> CreditTable:
    """Made-up credit, one number per turn, none of them 0."""
    rng = np.random.default_rng(seed)
    return CreditTable("made", "turn", [[float(x) for x in rng.normal(size=len(e.turns)) + 0.01] for e in episodes])


def batch_of(episodes: Sequence[Episode], table: CreditTable | None = None) -> Batch:
    """Episodes with one credit."""
    table = table or credit_of(episodes)
    return Batch(episodes, (), {table.name: table})


def gradients_of(learner: Any, batch: Batch) -> list[torch.Tensor]:
    """What each optimiser step of `learn` would have followed, flat; no weight changes."""
    found: list[torch.Tensor] = []
    named, step = learner.optimiser.named, learner.optimiser.step

    def note(scale: float = 1.0) -> float:
        parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in named.values()]
        found.append(torch.cat([part.detach().flatten().clone() for part in parts]))
        learner.optimiser.adam.zero_grad(set_to_none=True)
        return float(found[-1].norm())

    learner.optimiser.step = note
    try:
        learner.learn(batch)
    finally:
        learner.optimiser.step = step
    return found


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """Norm of the difference over norm of the first."""
    return float((one - other).norm() / one.norm())
