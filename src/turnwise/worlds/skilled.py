"""A latent skill: a world whose agent is told one of some numbers that mean nothing, the same for a whole episode
(specs/learn/slim_multi_critic).

    pi(a | s, z):  every page begins with "skill z. ",  z uniform over the tasks, fixed for an episode

What the numbers come to mean is the learner's business: `turnwise.feedback.diversity` pays for skills that can be told
apart by where they lead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import Episode, Message, Moment, Seat, Task
from turnwise.worlds.base import Expert, World

MARK = re.compile(r"skill \d+\. ")


class Skilled(World):
    """Another world, each of its training tasks once with every skill, each of its evaluation tasks with one in turn:
    the same tasks as without skills, so that the two can be compared.

    Args:
        world: what is played.
        skills: how many; 1 is the world as it is, with a number in front.
    """

    def __init__(self, world: World, skills: int = 8):
        if skills < 1:
            raise TurnwiseError(f"skills = {skills}", "1 or more")
        self.skills = skills
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
    def rewards(self) -> tuple[str, ...]:  # type: ignore[override]
        """The world's own."""
        return self._world.rewards

    @property
    def turns(self) -> int:
        """As in the world."""
        return self._world.turns

    @property
    def random_observations(self) -> bool:
        """As in the world: the skill is told."""
        return self._world.random_observations

    def settings(self) -> dict[str, Any]:
        """The world's own, and the number of skills."""
        return {**self._world.settings(), "skills": self.skills}

    def tasks(self, split: str) -> Sequence[Task]:
        """In training side by side the skills of a task, under keys of their own."""
        found = self._world.tasks(split)
        if split == "eval":
            return [replace(t, params={**t.params, "skill": n % self.skills}) for n, t in enumerate(found)]
        return [
            replace(task, key=f"{task.key}-skill-{skill}", params={**task.params, "skill": skill})
            for task in found
            for skill in range(self.skills)
        ]

    def expert(self, name: str = "", seat: Seat = "agent") -> Expert:
        """The world's own; no skill means anything to it."""
        inner = self._world.expert(name, seat)

        def says(view: View, rng: np.random.Generator) -> str:
            return inner(replace(view, messages=unmarked(view.messages), new=unmarked(view.new)), rng)

        return says

    def components(self, episode: Episode, leaf: int = 0) -> Mapping[str, np.ndarray]:
        """The world's own."""
        return self._world.components(bare(episode), leaf)

    def is_answer(self, text: str) -> bool:
        """As in the world."""
        return self._world.is_answer(text)

    def live(self) -> World:
        """An object of its own, with a live world of its own."""
        return Skilled(self._world.live(), self.skills)

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._mark = f"skill {task.params['skill']}. "
        return self._marked(self._world.reset(task, chance))

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        return self._marked(self._world.step(said))

    def _marked(self, moment: Moment) -> Moment:
        """With the skill in front of the newest page, while it goes on."""
        if moment.end is not None or not moment.views.get("agent"):
            return moment
        *before, page = moment.views["agent"]
        return replace(moment, views={**moment.views, "agent": (*before, replace(page, text=self._mark + page.text))})

    def fork(self, chance: Chance) -> World:
        twin = Skilled(self._world.fork(chance), self.skills)
        twin._mark = self._mark
        return twin

    def imagine(self, view: View, chance: Chance) -> World:
        """As the world does; the skill is what the view says."""
        plain = replace(view, messages=unmarked(view.messages), new=unmarked(view.new))
        twin = Skilled(self._world.imagine(plain, chance), self.skills)
        told = next((MARK.match(m.text) for m in reversed(view.messages) if MARK.match(m.text)), None)
        twin._mark = told[0] if told else ""
        return twin


def unmarked(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What was shown, without the skill."""
    return tuple(
        replace(m, text=MARK.sub("", m.text, count=1)) if m.role != "assistant" and MARK.match(m.text) else m
        for m in messages
    )


def bare(episode: Episode) -> Episode:
    """The episode as it was in the world below."""
    return replace(
        episode,
        turns=tuple(replace(turn, seen=unmarked(turn.seen)) for turn in episode.turns),
        ends=tuple(
            replace(leaf, seen={seat: unmarked(seen) for seat, seen in leaf.seen.items()}) for leaf in episode.ends
        ),
    )
