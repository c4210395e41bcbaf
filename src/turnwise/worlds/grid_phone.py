"""grid-phone: small tasks on a phone whose screens are text, with dialogs in the way and a finger that slips
(specs/learn/mobile_r1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import grid_phone_rules as rules
from turnwise.worlds.base import Expert, World, check_split

DEALS = 2  # tasks of each goal


def player(share: float) -> Callable[[GridPhone], Expert]:
    """What makes the player who does the best with some probability, else taps anywhere; always in good form."""

    def made(world: GridPhone) -> Expert:
        def says(view: View, rng: np.random.Generator) -> str:
            anywhere = rules.Act("tap", (int(rng.integers(rules.SIZE)), int(rng.integers(rules.SIZE))))
            if rng.random() >= share:
                return rules.write_act("try", anywhere)
            return rules.write_act(*rules.best_act(rules.read_phone(view.messages[-1].text)))

        return says

    return made


class GridPhone(World):
    """Switch something on, call somebody, write a note or a mail, in 3 to 5 taps and words, then say that it is done.

    A reply is a thinking block and an action block: `<think>open mail</think><act>tap 4 2</act>`; acts are `tap X Y`,
    `type WORD`, `back` and `done`. Anything else does nothing but pass the turn. `done` ends the episode, and earns 1
    if the goal has come about and nothing else has: a note with the wrong word stays, as a call to the wrong person
    does. On top comes `form` times the share of turns in good form.

    Two things go wrong that a straight path never shows. A tap may slip and hit another element (never one that cannot
    be undone), and a dialog may cover the screen until `back`; tapped, it leads home.

    Args:
        slip: chance that a tap hits another element of the screen.
        dialogs: chance that a dialog opens after an act.
        form: reward for good form in every turn.
        max_steps: turns before the episode fails.
        wrong_tap: the test of recovery: in evaluation, the tap with this number hits another element; 0: none does.
    """

    name = "grid-phone"
    title = "small tasks on a phone of five screens, where wrong taps must be undone"
    experts = {"careful": player(1.0), "fumbling": player(0.7)}
    demonstrator = "careful"

    def __init__(
        self, slip: float = 0.1, dialogs: float = 0.1, form: float = 1.0, max_steps: int = 12, wrong_tap: int = 0
    ):
        if not 0 <= slip <= 1 or not 0 <= dialogs <= 1 or max_steps < 1 or wrong_tap < 0:
            raise TurnwiseError(
                f"slip = {slip}, dialogs = {dialogs}, max_steps = {max_steps}, wrong_tap = {wrong_tap}",
                "chances from 0 to 1, 1 or more turns, and the number of a tap or 0",
            )
        self.slip, self.dialogs, self.form, self.max_steps = float(slip), float(dialogs), float(form), max_steps
        self.wrong_tap = wrong_tap

    @property
    def turns(self) -> int:
        """The last one fails unless it is `done`."""
        return self.max_steps

    @property
    def random_observations(self) -> bool:
        """Slips and dialogs are drawn, and where a wrong tap leads."""
        return bool(self.slip or self.dialogs or self.wrong_tap)

    def annotated(self) -> GridPhone:
        """The phone on which annotators showed the straight path: nothing slips, and no dialog opens."""
        return GridPhone(0.0, 0.0, self.form, self.max_steps)

    def well_formed(self, text: str) -> bool:
        """Whether a reply parses into its blocks."""
        return rules.read_act(text) is not None

    def same_act(self, view: Sequence[Message], annotated: str, said: str) -> bool:
        """Whether a reply does what was annotated: the point inside the annotated element's box; for other acts type
        and argument equal.
        """
        wanted, given = rules.read_act(annotated), rules.read_act(said)
        if wanted is None or given is None or wanted.kind != given.kind:
            return False
        if wanted.at is None or given.at is None:
            return wanted == given
        name = rules.read_phone(view[-1].text).element(wanted.at)
        return name is not None and rules.read_phone(view[-1].text).element(given.at) == name

    def tasks(self, split: str) -> Sequence[Task]:
        """Every goal, twice."""
        check_split(split)
        return [
            Task(f"{split}-{goal.replace(' ', '-')}-{deal}", self.name, {"goal": goal, "deal": deal}, split)
            for deal in range(DEALS)
            for goal in rules.GOALS
        ]

    def reset(self, task: Task, chance: Chance) -> Moment:
        if task.params["goal"] not in rules.GOALS:
            raise UnknownName("goal of grid-phone", task.params["goal"], rules.GOALS)
        self._phone, self._chance = rules.Phone(task.params["goal"]), chance
        self._steps = self._formed = self._taps = 0
        self._tested = task.split == "eval"
        return Moment({"agent": self._shown()}, ("agent",), facts=self._facts())

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        act = rules.read_act(said["agent"].text)
        self._steps += 1
        self._formed += act is not None
        slipped = False
        if act is not None and act.kind != "done":
            slipped = self._act(act)
        if (act is not None and act.kind == "done") or self._steps == self.max_steps:
            return self._over(act is not None and act.kind == "done" and self._phone.reached)
        refused = "" if act is not None else "no such form. "
        facts = {**self._facts(), "slipped": slipped}
        return Moment({"agent": self._shown(refused)}, ("agent",), {"agent": 0.0}, facts=facts, keep={"agent": 1})

    def is_answer(self, text: str) -> bool:
        """`done`, in good form."""
        act = rules.read_act(text)
        return act is not None and act.kind == "done"

    def _act(self, act: rules.Act) -> bool:
        """Change the phone; True where the finger slipped."""
        meant = None if act.at is None else self._phone.element(act.at)
        others = [name for name in self._phone.boxes if name not in rules.FINAL and name != meant]
        self._taps += act.kind == "tap"
        injected = self._tested and act.kind == "tap" and self._taps == self.wrong_tap
        slips = act.kind == "tap" and bool(others) and (injected or self._happens("slip", self.slip))
        self._phone = self._phone.tapped(self._chance.choice(others, "hit")) if slips else self._phone.after(act)
        if not self._phone.dialog and self._happens("dialog", self.dialogs):
            self._phone = replace(self._phone, dialog=True)
        return slips

    def _happens(self, name: str, chance: float) -> bool:
        """Asked of chance only where it can go both ways."""
        return chance > 0 and (chance >= 1 or self._chance.uniform(name) < chance)

    def _over(self, success: bool) -> Moment:
        share = self._formed / self._steps
        shown = (Message("user", "over: done\n" if success else "over: not done\n"),)
        reward = float(success) + self.form * share
        facts = {**self._facts(), "success": success, "form": share}
        return Moment({"agent": shown}, (), {"agent": reward}, end=End.DONE, facts=facts, keep={"agent": 1})

    def _shown(self, before: str = "") -> tuple[Message, ...]:
        return (Message("user", before + self._phone.tell()),)

    def _facts(self) -> dict[str, Any]:
        return {"screen": self._phone.screen, "dialog": self._phone.dialog, "steps": self._steps}

    def imagine(self, view: View, chance: Chance) -> GridPhone:
        """The phone as it is told; nothing is hidden but what will go wrong, and how well earlier turns were formed."""
        twin = self.live()
        assert isinstance(twin, GridPhone)
        twin._phone, twin._chance = rules.read_phone(view.messages[-1].text), chance
        twin._steps = twin._formed = view.tick
        twin._taps, twin._tested = 0, False  # no accident is expected that is only put there for a test
        return twin
