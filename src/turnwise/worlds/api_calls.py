"""api-calls as text: a request in plain words, and the calls that fulfil it (specs/learn/itool)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import api_calls_rules as rules
from turnwise.worlds.base import Expert, World, check_split

MIXED = (0.1, 0.45, 0.45)
"""Shares of requests for no call, one and two."""
TASKS = {"train": 2048, "eval": 96}


class ApiCalls(World):
    """Write the calls that a request asks for: "[set_alarm(hour=7, minute=45)]", or "no call". 20 functions.

    A reply that is right to the letter, white space around it left out, earns 1 and ends it. Any other is told what
    is wrong with it, and there are `tries` in all. Train and eval have different requests.

    Args:
        tries: replies of an episode at most; 1 is a single-turn test of exact match.
        tested: calls of an evaluation request; None for the mixture of training.
    """

    name = "api-calls"
    title = "turn a request into exact calls of 20 functions"
    demonstrator = "noisy"
    refusal = "wrong: "

    def __init__(self, tries: int = 4, tested: int | None = None):
        if tries < 1 or tested not in (None, 0, 1, 2):
            raise TurnwiseError(f"tries = {tries}, tested = {tested}", "1 or more tries; tested 0, 1, 2 or None")
        self.tries, self.tested = tries, tested

    @property
    def turns(self) -> int:
        return self.tries

    @property
    def random_observations(self) -> bool:
        """Request and replies fix every answer."""
        return False

    def tasks(self, split: str) -> Sequence[Task]:
        """The params hold the request; what is right follows from it."""
        shares = MIXED
        if check_split(split) == "eval" and self.tested is not None:
            shares = tuple(float(calls == self.tested) for calls in range(3))  # type: ignore[assignment]
        found = rules.requests(split, shares, TASKS[split])
        return [Task(f"{split}-{n}", self.name, {"request": r.text}, split) for n, r in enumerate(found)]

    def answer(self, task: Task) -> str:
        return rules.read(task.params["request"]).answer

    def grade(self, task: Task, reply: str) -> float:
        """Share of functions and parameters that are right."""
        return rules.share_right(reply, self.answer(task))

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._right, self._taken = self.answer(task), 0
        return Moment({"agent": (Message("user", task.params["request"] + "\n"),)}, ("agent",))

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        self._taken += 1
        reply = said["agent"].text
        if reply.strip() == self._right:
            return self._over("done\n", won=True)
        wrong = f"{self.refusal}{rules.complaint(reply, self._right)}\n"
        if self._taken == self.tries:
            return self._over(wrong, won=False)
        return Moment({"agent": (Message("user", wrong),)}, ("agent",), {"agent": 0.0})

    def _over(self, text: str, won: bool) -> Moment:
        facts = {"success": won, "first": won and self._taken == 1}
        return Moment({"agent": (Message("user", text),)}, (), {"agent": float(won)}, end=End.DONE, facts=facts)

    def imagine(self, view: View, chance: Chance) -> ApiCalls:
        """Nothing is hidden from whoever can read the request."""
        twin = copy.copy(self)
        twin._right = rules.read(view.messages[0].text).answer
        twin._taken = sum(message.role == "assistant" for message in view.messages)
        return twin


def player(slip: float) -> Callable[[Any], Expert]:
    """What makes the scripted player who gets each value wrong with some probability, and as often calls something
    where there is nothing to call.
    """

    def made(world: ApiCalls) -> Expert:
        def says(view: View, rng: np.random.Generator) -> str:
            wanted = rules.read(view.messages[0].text)
            if not wanted.calls and rng.random() < slip:
                return rules.draw(rng, 1).answer
            slipped = tuple(slip_in(call, slip, rng) for call in wanted.calls)
            return rules.Request(wanted.text, slipped).answer

        return says

    return made


def slip_in(call: rules.Call, slip: float, rng: np.random.Generator) -> rules.Call:
    """The call with some values exchanged for others of their kind."""

    def other(kind: str, value: str) -> str:
        return str(rng.choice([v for v in rules.KINDS[kind] if v != value]))

    kinds = call.function.kinds
    said = {p: other(kinds[p], v) if rng.random() < slip else v for p, v in call.values.items()}
    return rules.Call(call.function, said)


ApiCalls.experts = {"noisy": player(0.4), "perfect": player(0.0)}
