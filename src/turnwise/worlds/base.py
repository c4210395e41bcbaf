"""What every world has: seats, settings, tasks, and a live state that can be copied.

A world is one class. An object fresh from the constructor holds only settings; `reset` gives it the live state of
one episode; `live()` makes a fresh one with the same settings, which is how thousands of episodes share one
definition. Settings are plain attributes; live state and shared tables start with an underscore.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from turnwise.core.chance import Chance, key_of
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import Episode, Message, Moment, Seat, Task
from turnwise.worlds.exact import Exact, Law

Expert = Callable[[View, np.random.Generator], str]
"""A scripted player: from what a seat sees (never from hidden facts) and draws of its own to the text it says.

`turnwise.agents.scripted.ScriptedAgent` seats one at the table.
"""


class World:
    """Base of all worlds. Subclasses write `tasks`, `reset`, `step` and `imagine`; the rest has defaults."""

    name: ClassVar[str]
    title: ClassVar[str] = ""  # one line for `turnwise worlds`
    seats: ClassVar[tuple[Seat, ...]] = ("agent",)
    experts: ClassVar[Mapping[str, Callable[[Any], Expert]]] = {}  # name -> what makes the player for a world
    demonstrator: ClassVar[str] = ""  # the expert whose episodes recipes imitate
    others: ClassVar[Mapping[Seat, Mapping[str, Callable[[Any], Expert]]]] = {}  # the same of the other seats
    companions: ClassVar[Mapping[Seat, str]] = {}  # who of them sits there where nobody else does
    demonstrators: ClassVar[Mapping[Seat, str]] = {}  # who of them is imitated
    refusal: ClassVar[str] = ""  # what the answer to a wrong move begins with; empty where a world does not say so

    @property
    def turns(self) -> int:
        """Most acts of the agent in one episode."""
        return 20

    @property
    def random_observations(self) -> bool:
        """Whether the same words after the same conversation can be answered differently (another text, reward or
        end), by hidden facts or by draws. A world that does not say so is taken to be random.
        """
        return True

    @property
    def anchors(self) -> Mapping[str, float]:
        """Published returns that anchor a score, {min, data, max}; empty where these settings have none."""
        return {}

    def expert(self, name: str = "", seat: Seat = "agent") -> Expert:
        """A scripted player of a seat; without a name the one who is imitated.

        Raises:
            UnknownName: with the close matches.
        """
        known = self.experts if seat == "agent" else self.others.get(seat, {})
        name = name or (self.demonstrator if seat == "agent" else self.demonstrators.get(seat, ""))
        if name not in known:
            raise UnknownName(f"expert of {self.name}" + (f" at {seat}" if seat != "agent" else ""), name, known)
        return known[name](self)

    def settings(self) -> dict[str, Any]:
        """The settings this world was made with, JSON values: what a run folder stores."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def hash(self) -> str:
        """16 hex digits that change when the world's name, settings or tasks change."""
        tasks = [(t.key, sorted(t.params.items())) for split in ("train", "eval") for t in self.tasks(split)]
        return f"{key_of(self.name, sorted(self.settings().items()), tasks):016x}"

    def live(self) -> World:
        """An object of its own for one more episode; settings and tables are shared."""
        return copy.copy(self)

    def tasks(self, split: str) -> Sequence[Task]:
        """The tasks of a split (`train` or `eval`), always in the same order."""
        raise NotImplementedError(f"{type(self).__name__}.tasks")

    noted: ClassVar[tuple[str, ...]] = ()  # facts of the end whose means are shown beside success
    rewards: ClassVar[tuple[str, ...]] = ("reward",)  # what earns: several names where a world tells them apart

    def components(self, episode: Episode, leaf: int = 0) -> Mapping[str, np.ndarray]:
        """What each turn of the agent on a path earned, by name of the reward, float64 [turns of the agent], each in
        a unit of its own. A world with one reward: what it paid up to the agent's next turn.
        """
        earned: list[float] = []
        for turn in (episode.turns[index] for index in episode.path(leaf)):
            if turn.seat == "agent":
                earned.append(0.0)
            if earned:
                earned[-1] += turn.rewards.get("agent", 0.0)
        return {"reward": np.array(earned)}

    def answer(self, task: Task) -> str | None:
        """The one reply that is right once everything is known, as an agent would write it; None where there is none.

        Hidden: for feedback that asks a policy how probable the right answer is to it.
        """
        return None

    def grade(self, task: Task, reply: str) -> float:
        """How much of a reply is right, from 0 to 1; 1 or 0 unless a world reads its parts. Hidden as the answer is."""
        answer = self.answer(task)
        return float(answer is not None and reply.strip() == answer.strip())

    def is_answer(self, text: str) -> bool:
        """Whether this text, said now, hands in an answer and so ends the episode, rightly or wrongly. No text does
        where a world's episodes end in other ways.
        """
        return False

    def reset(self, task: Task, chance: Chance) -> Moment:
        """Begin an episode."""
        raise NotImplementedError(f"{type(self).__name__}.reset")

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        """Take what the seats in `Moment.to_act` said; a wrong move is answered, not raised."""
        raise NotImplementedError(f"{type(self).__name__}.step")

    def fork(self, chance: Chance) -> World:
        """A copy with the same hidden facts and draws of its own from now on."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if name.startswith("_"):
                setattr(twin, name, chance if isinstance(value, Chance) else copy.deepcopy(value))
        return twin

    def imagine(self, view: View, chance: Chance) -> World:
        """A copy whose hidden facts are drawn anew among those that fit what the seat has seen."""
        raise TurnwiseError(
            f"world {self.name!r} cannot imagine",
            "a world that re-draws its hidden facts",
            "act without search, or choose another world",
        )

    def exact(self, law: Law | None = None) -> Exact:
        """True expected returns of a policy in every situation, where the world is small enough.

        Args:
            law: from views to the probabilities of the legal acts; None for the best policy.

        Raises:
            TurnwiseError: the world is too large, or its views do not tell where one is.
        """
        raise TurnwiseError(
            f"the exact values of world {self.name!r} are out of reach",
            "a world whose every state can be listed, such as key-corridor or maze",
            f"estimate them: turnwise evaluate AGENT {self.name}",
        )

    def soft(self, law: Law, eta: float) -> Exact:
        """The same of the best policy that pays eta times its KL to a reference.

        Raises:
            TurnwiseError: the world has no table.
        """
        raise TurnwiseError(
            f"the law of world {self.name!r} is out of reach",
            "a world that is a table, such as loop-grid, work-submit or hidden-type",
            "choose one of them",
        )


def check_split(split: str) -> str:
    """The split, or an error that names the two there are."""
    if split not in ("train", "eval"):
        raise UnknownName("split", split, ("train", "eval"))
    return split
