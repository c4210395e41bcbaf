"""One-step episodes over annotated steps: what was seen, what an annotator did there, and whether a reply does the same
(specs/learn/mobile_r1, stage 2).

Any world gives annotated steps: those that its demonstrator takes. What it means to do the same, and to be in good
form, a world may say itself (`Annotates`); otherwise the same text is the same act, and a legal text is in good form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor
from turnwise.core.types import Act, End, Message, Moment, Seat, Task
from turnwise.worlds.base import World, check_split


@runtime_checkable
class Annotates(Protocol):
    """A world that says how annotations are to be read."""

    def annotated(self) -> World:
        """The world as annotators knew it: without the accidents of play."""
        ...

    def well_formed(self, text: str) -> bool:
        """Whether a reply is in good form."""
        ...

    def same_act(self, view: Sequence[Message], annotated: str, said: str) -> bool:
        """Whether a reply does what was annotated."""
        ...


@dataclass(frozen=True)
class Step:
    """An annotated step."""

    task: str  # key of the task it was taken in
    view: tuple[Message, ...]  # all that was in view
    act: str  # what the annotator did
    legal: tuple[str, ...] | None


class AnnotatedSteps(World):
    """Episodes of one turn: an annotated screen, a reply, and 1 for doing the same, and `form` more for good form.

    A contextual bandit: nothing that is said changes what is seen next, so it can be learned from a record without a
    device, and it never shows how to come back from a wrong turn.

    Args:
        world: whose demonstrator annotates, on its training tasks.
        seed: of the demonstrator's draws.
        form: reward for good form.
    """

    name = "annotated-steps"
    title = "one-step episodes over annotated steps of another world"

    def __init__(self, world: World, seed: int = 0, form: float = 1.0):
        self.world, self.seed, self.form = world.name, seed, form
        self._world = world
        tasks = world.tasks("train")
        self._steps = [step for task in tasks for step in steps_of(world, task, seed)]

    @property
    def turns(self) -> int:
        """One."""
        return 1

    @property
    def random_observations(self) -> bool:
        """A reply is only compared."""
        return False

    def tasks(self, split: str) -> Sequence[Task]:
        """One per annotated step; all are for training."""
        check_split(split)
        steps = enumerate(self._steps) if split == "train" else ()
        return [Task(f"{step.task}-step-{n}", self.name, {"step": n}, split) for n, step in steps]

    def in_order(self, seed: int) -> list[Task]:
        """All of them in a random order, so that any few in a row are of many tasks and many turns."""
        tasks = self.tasks("train")
        return [tasks[n] for n in generator(seed, "annotated steps").permutation(len(tasks)).tolist()]

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._at = int(task.params["step"])
        step = self._steps[self._at]
        return Moment({"agent": step.view}, ("agent",), legal=step.legal)

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        step, text = self._steps[self._at], said["agent"].text
        same, form = same_act(self._world, step, text), well_formed(self._world, step, text)
        facts = {"success": same, "form": float(form)}
        return Moment({}, (), {"agent": same + self.form * form}, end=End.DONE, facts=facts)


def steps_of(world: World, task: Task, seed: int) -> list[Step]:
    """The steps that a world's demonstrator takes in a task."""
    cursor = Cursor(world.live(), task, Chance(key_of(seed, "annotated", task.key)))
    cursor.begin()
    rule, found = world.expert(), []
    while cursor.open:
        view = cursor.view("agent")
        text = rule(view, generator(view.chance_key))
        found.append(Step(task.key, view.messages, text, view.legal))
        cursor.take({"agent": Act(Message("assistant", text))})
    return found


def world_of_annotators(world: World) -> World:
    """The world as annotators knew it; the world itself where it says nothing about that."""
    return world.annotated() if isinstance(world, Annotates) else world


def same_act(world: World, step: Step, said: str) -> bool:
    """Whether a reply does what was annotated."""
    if isinstance(world, Annotates):
        return world.same_act(step.view, step.act, said)
    return said.rstrip("\n") == step.act.rstrip("\n")


def well_formed(world: World, step: Step, said: str) -> bool:
    """Whether a reply is in good form: legal, where there is a list of what is."""
    if isinstance(world, Annotates):
        return world.well_formed(said)
    return step.legal is None or said.rstrip("\n") in {text.rstrip("\n") for text in step.legal}
