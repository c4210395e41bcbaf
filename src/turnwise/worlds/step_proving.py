"""step-proving as text: open goals are shown, a tactic is said, until nothing is open (specs/worlds/step-proving)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from turnwise.core.chance import Chance, generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds import step_proving_rules as rules
from turnwise.worlds.base import Expert, World, check_split
from turnwise.worlds.step_proving_exact import Shortest
from turnwise.worlds.step_proving_rules import Goal
from turnwise.worlds.step_proving_theorems import GRADES, OF_EACH, theorems

TESTED = 96
"""Theorems of the evaluation."""
DEEPER = 2
"""Grades above those of training that it has."""


class StepProving(World):
    """Prove a theorem of propositional logic, one tactic at a time: earns 1 when no goal is open.

    The newest page shows all that is open, and it alone stays in view: a state does not say how it was come to. A
    tactic that cannot be used is refused, and costs a step as any other. Difficulty is the length of the shortest
    proof. Training has the theorems of up to `depth` tactics, mixed; evaluation has deeper ones.

    Args:
        depth: tactics of the shortest proof of a training theorem, at most; evaluation has one or two more.
        conjoined: goals of the evaluation's grades in one theorem, all to be proved: a & (b & c).
        max_steps: tactics before the episode fails.
    """

    name = "step-proving"
    title = "prove propositional theorems one tactic at a time; evaluation has deeper ones"
    demonstrator = "novice"
    refusal = "not possible. "

    def __init__(self, depth: int = 6, conjoined: int = 1, max_steps: int = 12):
        deepest, most = GRADES[-1] - DEEPER, DEEPER * OF_EACH // TESTED
        if not GRADES[0] <= depth <= deepest or not 1 <= conjoined <= most or max_steps < 1:
            raise TurnwiseError(
                f"depth = {depth}, conjoined = {conjoined}, max_steps = {max_steps}",
                f"a depth from {GRADES[0]} to {deepest}, 1 to {most} goals, and 1 or more steps",
            )
        self.depth, self.conjoined, self.max_steps = depth, conjoined, max_steps

    @property
    def turns(self) -> int:
        return self.max_steps

    @property
    def random_observations(self) -> bool:
        """Theorem and tactics fix every answer."""
        return False

    def tasks(self, split: str) -> Sequence[Task]:
        """The params hold the theorem and its difficulty."""
        found = _trained(self.depth) if check_split(split) == "train" else _tested(self.depth, self.conjoined)
        return [
            self.task(text, f"{split}-{number}", split, {"depth": depth}) for number, (text, depth) in enumerate(found)
        ]

    def task(self, theorem: str, key: str, split: str = "train", more: Mapping[str, Any] | None = None) -> Task:
        """Any goal as a task: a formula, or hypotheses and a formula, "1 p, 2 p -> q |- q"."""
        return Task(key, self.name, {"theorem": theorem, **(more or {})}, split)

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._goals: tuple[Goal, ...] = (rules.goal_of(task.params["theorem"]),)
        self._steps = 0
        return self._open()

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        self._steps += 1
        left = rules.applied(self._goals[0], said["agent"].text.removesuffix("\n"))
        if left is not None:
            self._goals = (*left, *self._goals[1:])
        if not self._goals:
            return self._over("proved\n", proved=True)
        if self._steps == self.max_steps:
            return self._over("not proved\n", proved=False)
        return self._open("" if left is not None else self.refusal)

    def _open(self, before: str = "") -> Moment:
        shown = Message("user", before + page_of(self._goals))
        legal = tuple(f"{tactic}\n" for tactic in rules.usable(self._goals[0])) or None
        earned = {"agent": 0.0} if self._steps else {}
        return Moment({"agent": (shown,)}, ("agent",), earned, legal, facts=self._facts(), keep={"agent": 1})

    def _over(self, text: str, proved: bool) -> Moment:
        facts = {**self._facts(), "success": proved}
        shown = (Message("user", text),)
        return Moment({"agent": shown}, (), {"agent": float(proved)}, end=End.DONE, facts=facts, keep={"agent": 1})

    def _facts(self) -> dict[str, Any]:
        return {"goals": len(self._goals), "steps": self._steps}

    def imagine(self, view: View, chance: Chance) -> StepProving:
        """Nothing is hidden from whoever can read the page."""
        twin = self.live()
        assert isinstance(twin, StepProving)
        twin._goals, twin._steps = goals_of(view.messages[-1].text), view.tick
        return twin


def page_of(goals: Sequence[Goal]) -> str:
    """All that is open, a line each."""
    return "".join(f"{rules.goal_text(goal)}\n" for goal in goals)


def goals_of(page: str) -> tuple[Goal, ...]:
    """The other way round; a refusal in front of it is no part of it."""
    lines = page.removeprefix(StepProving.refusal).splitlines()
    return tuple(rules.goal_of(line) for line in lines)


@lru_cache
def _trained(depth: int) -> tuple[tuple[str, int], ...]:
    """(theorem, difficulty) of every grade up to `depth`, in a mixed order."""
    every = [(f"|- {text}", grade) for grade, texts in theorems().items() if grade <= depth for text in texts]
    return tuple(every[n] for n in generator("step-proving", "order").permutation(len(every)))


@lru_cache
def _tested(depth: int, conjoined: int) -> tuple[tuple[str, int], ...]:
    """The same of the grades above, `conjoined` in each theorem; a `split` between every two of them is a step more."""
    deeper = [(rules.formula_of(t), g) for g in range(depth + 1, depth + DEEPER + 1) for t in theorems()[g]]
    order = generator("step-proving", "tested").permutation(len(deeper))
    found = []
    for number in range(TESTED):
        parts = [deeper[n] for n in order[number * conjoined : (number + 1) * conjoined]]
        formula = parts[-1][0]
        for part, _ in parts[-2::-1]:
            formula = ("&", part, formula)
        found.append((f"|- {rules.text_of(formula)}", sum(grade for _, grade in parts) + conjoined - 1))
    return tuple(found)


# --- scripted players ---


def novice(world: Any) -> Expert:
    """Says any tactic that can be used, one that closes the goal before all others."""

    def says(view: View, rng: np.random.Generator) -> str:
        usable = rules.usable(goals_of(view.messages[-1].text)[0])
        wanted = [tactic for tactic, left in usable.items() if not left] or list(usable) or ["intro"]
        return wanted[int(rng.integers(len(wanted)))] + "\n"

    return says


def shortest(world: Any) -> Expert:
    """Says the first tactic of a shortest proof."""
    known = Shortest()

    def says(view: View, rng: np.random.Generator) -> str:
        return (known.tactic(goals_of(view.messages[-1].text)[0], GRADES[-1]) or "intro") + "\n"

    return says


StepProving.experts = {"novice": novice, "shortest": shortest}
