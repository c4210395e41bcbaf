"""Long pages forgotten: a world whose earlier observations shrink to a placeholder when the next one comes
(WebAgent-R1's dynamic context compression: specs/learn/webagent_r1).

    view at turn t    task, (placeholder, a_1), ..., (placeholder, a_{t-1}), o_t

What the agent said stays word for word, only the newest page is whole. The view is shown anew each turn and the old one
leaves it (`Moment.keep`), so every turn opens a training row of its own, with the prompt that the policy really read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message, Moment, Seat, Task
from turnwise.worlds.base import Expert, World

PLACEHOLDER = "page left out\n"


class Compressed(World):
    """Another world, seen through a short memory of pages.

    The first message tells the task and stays whole, as does a page that is no longer than the placeholder. A world
    that lets messages leave the view itself is left as it is.

    Args:
        world: what is played.
        placeholder: stands for a page that was left out.
    """

    def __init__(self, world: World, placeholder: str = PLACEHOLDER):
        if world.seats != ("agent",):
            raise TurnwiseError(f"{world.name} with seats {', '.join(world.seats)}", "a world of one agent")
        self.placeholder = placeholder
        self._world, self._said, self._pages = world, list[Message](), list[tuple[Message, ...]]()

    # what it is called and how it is played is the inner world's
    @property
    def name(self) -> str:  # type: ignore[override]  # an attribute of the class elsewhere
        """The name of the world that is played."""
        return self._world.name

    @property
    def turns(self) -> int:
        """As many as the world has."""
        return self._world.turns

    @property
    def random_observations(self) -> bool:
        """As in the world."""
        return self._world.random_observations

    def settings(self) -> dict[str, Any]:
        """The world's own, and the placeholder."""
        return {**self._world.settings(), "placeholder": self.placeholder}

    def tasks(self, split: str) -> Sequence[Task]:
        """The world's own."""
        return self._world.tasks(split)

    def expert(self, name: str = "", seat: Seat = "agent") -> Expert:
        """The world's own; it must get along with the newest page."""
        return self._world.expert(name, seat)

    def live(self) -> World:
        """An object of its own, with a live world of its own."""
        return self._around(self._world.live())

    def _around(self, world: World) -> Compressed:
        return Compressed(world, self.placeholder)

    def reset(self, task: Task, chance: Chance) -> Moment:
        moment = self._world.reset(task, chance)
        self._task, *page = moment.views["agent"]
        self._said, self._pages = [], [tuple(page)]
        return moment

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        moment = self._world.step(said)
        if moment.keep:
            return moment
        self._said.append(said["agent"])
        self._pages.append(tuple(moment.views.get("agent", ())))
        view = self._view()
        return replace(moment, views={"agent": view}, keep={"agent": len(view)})

    def _view(self) -> tuple[Message, ...]:
        """The task, placeholders each with what was said after it, and the newest page."""
        *earlier, newest = self._pages
        shown = [self._task]
        for page, said in zip(earlier, self._said, strict=True):
            shown += [*(shortened(message, self.placeholder) for message in page), said]
        return (*shown, *newest)

    def fork(self, chance: Chance) -> World:
        twin = self._around(self._world.fork(chance))
        twin._task, twin._said, twin._pages = self._task, list(self._said), list(self._pages)
        return twin


def shortened(page: Message, placeholder: str) -> Message:
    """The placeholder in the place of a page, unless that is the longer of the two."""
    return page if len(page.text) <= len(placeholder) else Message(page.role, placeholder, writer=page.writer)
