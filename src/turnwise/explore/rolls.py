"""Roll-in and roll-out: a guide and the learner share an episode, one begins it and the other ends it
(specs/learn/rlgf, its turn version).

    k ~ uniform on 1..L-1, L the most turns of an episode; roll-in writes turns 1..k-1, roll-out writes k..L
    with probability beta an episode is shared so, else the learner writes all of it

Every turn of the guide is signed: `Message.writer` is GUIDE. What signs nothing is the learner's, so who wrote a turn
stays in the record, and no loss needs to be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.cursor import Cursor, ask
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import Agent
from turnwise.core.types import Act, Episode, Seat, Task
from turnwise.explore.table import Table, each

GUIDE = "guide"
"""`Message.writer` of a guide's turn."""

FIRSTS = ("guide", "learner")


@dataclass(frozen=True)
class Rolls:
    """Episodes that change hands at a turn, one per task.

    Whoever takes over reads the whole view, so its first turn is `fresh`: a training row holds turns of one writer.
    An episode that is over before turn k was not shared after all. With beta = 0 this is `Independent`, draw for draw.

    Args:
        guide: continues any conversation; None: the learner is its own guide.
        first: who rolls in: the guide (PPO++), or the learner (AggreVaTeD).
        beta: share of episodes that change hands.
    """

    guide: Agent | None = None
    first: Literal["guide", "learner"] = "guide"
    beta: float = 0.8
    needs = frozenset[str]()
    gives = frozenset[str]()

    def __post_init__(self) -> None:
        if self.first not in FIRSTS:
            raise UnknownName("roll-in", self.first, FIRSTS)
        if not 0.0 <= self.beta <= 1.0:
            raise TurnwiseError(f"beta = {self.beta}", "a share from 0 to 1", "0 is the learner alone")

    async def collect(self, tasks: Sequence[Task], table: Table) -> list[Episode]:
        """As many episodes as tasks, in their order."""
        longest = min(table.limits.turns or table.world.turns, table.world.turns)
        if longest < 2:
            raise TurnwiseError(f"episodes of {longest} turn", "at least 2: one to roll in, one to roll out")
        return await each(tasks, lambda task, member: self._play(task, member, table, longest))

    async def _play(self, task: Task, member: int, table: Table, longest: int) -> Episode:
        async with table.place():
            cursor = table.cursor(task, member)
            cursor.begin()
            k = switch_turn(generator(cursor.chance.key, "switch"), self.beta, longest)
            first, then = (GUIDE, "") if self.first == "guide" else ("", GUIDE)
            seated = {"": table.agents, GUIDE: self._with_guide(table.agents)}
            sides = [(None, "")] if k is None else [(k - 1, first), (None, then)]
            for turns, writer in sides:
                await go_on(cursor, seated[writer], turns, writer)
            return table.record(cursor, task, member)

    def _with_guide(self, agents: Mapping[Seat, Agent]) -> Mapping[Seat, Agent]:
        return agents if self.guide is None else {**agents, "agent": self.guide}


def switch_turn(rng: np.random.Generator, beta: float, longest: int) -> int | None:
    """k, or None where the learner keeps the episode."""
    shared, k = rng.random() < beta, int(rng.integers(1, longest))
    return k if shared else None


async def go_on(cursor: Cursor, agents: Mapping[Seat, Agent], turns: int | None, writer: str) -> None:
    """Play until the seat `agent` has taken `turns` turns in all, or to the end; then whoever sits there gets up.

    Args:
        writer: signs what the seat `agent` says; empty signs nothing.
    """
    try:
        while cursor.open and (turns is None or cursor.turns_taken < turns):
            acts = await ask(cursor, agents)
            if acts is not None:
                cursor.take(signed(acts, writer))
    finally:
        state = cursor.seats["agent"]
        agents["agent"].close(state.carry)
        state.carry, state.fresh = None, state.fresh or cursor.turns_taken > 0
        if not cursor.open:
            cursor.close({seat: agent for seat, agent in agents.items() if seat != "agent"})


def signed(acts: Mapping[Seat, Act], writer: str) -> Mapping[Seat, Act]:
    """The same acts, the agent's signed."""
    if not writer or "agent" not in acts:
        return acts
    act = acts["agent"]
    return {**acts, "agent": replace(act, message=replace(act.message, writer=writer))}
