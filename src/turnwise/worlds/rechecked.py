"""A budget on interaction: a world that asks for several answers before it takes one (TTI's inference side:
specs/plan/tti-budget).

    attempts = 0
    on an answer: attempts += 1;  below the number wanted it is held back: the newest page is shown again behind a
                  nudge to check, and the agent goes on;  else it ends the episode
    at the cap on acts the last answer given counts, and is flagged: `accepted` is False

A held answer does not touch the world: what it would have come to is found out on a copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds.base import Expert, World

NUDGE = "check again. "


class Rechecked(World):
    """Another world, in which an answer before `attempts` answers were given does not end the episode.

    From the first answer on, `Moment.facts` say `answers` (whether each one so far was right), `accepted` (whether the
    last one was taken) and, while it goes on, `success` of the last one: an episode that is cut there counts by it.

    Args:
        world: what is played; it must say which act is an answer (`World.is_answer`).
        attempts: answers that are asked for; 1 is the world as it is.
        steps: most acts of an episode; 0: as many as the world has.
        nudge: stands before the page that is shown after a held answer.
    """

    def __init__(self, world: World, attempts: int = 2, steps: int = 0, nudge: str = NUDGE):
        if type(world).is_answer is World.is_answer:
            raise TurnwiseError(
                f"{world.name}, which does not say which act is an answer",
                "a world with `is_answer`",
                "search-rooms, long-shop and grid-phone have it",
            )
        if attempts < 1 or not 0 <= steps <= world.turns:
            raise TurnwiseError(
                f"attempts = {attempts}, steps = {steps}", f"1 or more answers, and at most {world.turns} acts"
            )
        self.attempts, self.steps, self.nudge = attempts, steps, nudge
        self._world = world

    # what it is called and how it is played is the inner world's
    @property
    def name(self) -> str:  # type: ignore[override]  # an attribute of the class elsewhere
        """The name of the world that is played."""
        return self._world.name

    @property
    def seats(self) -> tuple[Seat, ...]:  # type: ignore[override]
        """The world's own."""
        return self._world.seats

    @property
    def demonstrator(self) -> str:  # type: ignore[override]
        """The world's own."""
        return self._world.demonstrator

    @property
    def turns(self) -> int:
        """The hard cap on acts."""
        return self.steps or self._world.turns

    @property
    def random_observations(self) -> bool:
        """As in the world."""
        return self._world.random_observations

    def settings(self) -> dict[str, Any]:
        """The world's own, and the budget."""
        return {**self._world.settings(), "attempts": self.attempts, "steps": self.steps, "nudge": self.nudge}

    def tasks(self, split: str) -> Sequence[Task]:
        """The world's own."""
        return self._world.tasks(split)

    def expert(self, name: str = "", seat: Seat = "agent") -> Expert:
        """The world's own; it must get along with being asked again."""
        return self._world.expert(name, seat)

    def is_answer(self, text: str) -> bool:
        """As in the world."""
        return self._world.is_answer(text)

    def live(self) -> World:
        """An object of its own, with a live world of its own."""
        return Rechecked(self._world.live(), self.attempts, self.steps, self.nudge)

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._chance, self._acts, self._answers = chance, 0, list[bool | None]()
        self._ending: Moment | None = None  # what the last held answer would have come to
        self._moment = self._world.reset(task, chance)
        return self._moment

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        self._acts += 1
        answers = "agent" in said and self._world.is_answer(said["agent"].text)
        if answers and len(self._answers) + 1 < self.attempts:
            self._hold(said)
            return self._capped() if self._acts == self.turns else self._nudged()
        moment = self._world.step(said)
        if answers:
            self._answers.append(moment.facts.get("success"))
        elif moment.end is None and self._acts == self.turns:
            return self._capped()
        self._moment = moment
        return replace(moment, facts={**self._facts(accepted=answers), **moment.facts})

    def _hold(self, said: Mapping[Seat, Message]) -> None:
        """Find out on a copy what an answer would have come to."""
        number = len(self._answers) + 1
        self._ending = self._world.fork(self._chance.fork(f"answer {number}")).step(said)
        self._answers.append(self._ending.facts.get("success"))

    def _nudged(self) -> Moment:
        """The newest page again, behind the nudge."""
        page = self._moment.views["agent"][-1]
        shown = replace(page, text=self.nudge + page.text)
        return replace(
            self._moment,
            views={"agent": (shown,)},
            rewards={"agent": 0.0},
            facts={**self._moment.facts, **self._facts(accepted=False)},
        )

    def _capped(self) -> Moment:
        """The end of an episode whose acts are used up: by its last answer, or a failure without one."""
        if self._ending is None:
            facts = {**self._moment.facts, "success": False}
            return Moment({}, (), {"agent": 0.0}, end=End.TURNS, facts=facts)
        return replace(self._ending, facts={**self._ending.facts, **self._facts(accepted=False)})

    def _facts(self, accepted: bool) -> dict[str, Any]:
        """What a measure wants to know."""
        if not self._answers:
            return {}
        return {"answers": list(self._answers), "accepted": accepted, "success": self._answers[-1]}

    def fork(self, chance: Chance) -> World:
        twin = Rechecked(self._world.fork(chance), self.attempts, self.steps, self.nudge)
        twin._chance, twin._acts, twin._answers = chance, self._acts, list(self._answers)
        twin._ending, twin._moment = self._ending, self._moment
        return twin
