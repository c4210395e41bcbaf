"""Theorems of step-proving, 375 of each difficulty: grown backwards from what is plain, graded by their shortest proof.

python -m turnwise.worlds.step_proving_theorems      writes worlds/data/step_proving/theorems.txt anew
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np

from turnwise.core.chance import generator
from turnwise.worlds.step_proving_exact import Shortest
from turnwise.worlds.step_proving_rules import LETTERS, SIGNS, Formula, Goal, text_of

GRADES = range(3, 11)
"""Tactics of the shortest proof."""
OF_EACH = 375
LONGEST = 60
"""Characters of a theorem at most."""
FILE = resources.files("turnwise.worlds") / "data" / "step_proving" / "theorems.txt"


@lru_cache
def theorems() -> dict[int, tuple[str, ...]]:
    """Grade -> its theorems, all different up to the names of their letters."""
    found: dict[int, list[str]] = {}
    for line in FILE.read_text("utf-8").splitlines():
        grade, _, theorem = line.partition(" ")
        found.setdefault(int(grade), []).append(theorem)
    return {grade: tuple(texts) for grade, texts in found.items()}


def generate(of_each: int = OF_EACH, seed: int = 0) -> dict[int, list[str]]:
    """The theorems again: grown until every grade is full."""
    rng, found = generator("step-proving", seed), {grade: list[str]() for grade in GRADES}
    seen: set[str] = set()
    while any(len(texts) < of_each for texts in found.values()):
        theorem = closed(grown(rng, int(rng.integers(1, 10))), rng)
        text = text_of(named(theorem))
        if len(text) > LONGEST or text in seen:
            continue
        seen.add(text)
        grade = Shortest().length(Goal((), named(theorem)), GRADES[-1])
        if grade in found and len(found[grade]) < of_each:
            found[grade].append(text)
    return found


def named(formula: Formula) -> Formula:
    """With the letters in the order in which they come: the same for all that differ in names alone."""
    names: dict[str, str] = {}

    def of(part: Formula) -> Formula:
        if isinstance(part, str):
            return names[part] if part in names else names.setdefault(part, LETTERS[len(names)])
        return (part[0], of(part[1]), of(part[2]))

    return of(formula)


def closed(goal: Goal, rng: np.random.Generator) -> Formula:
    """Every hypothesis in front of the goal, in any order."""
    formula = goal.formula
    for number in rng.permutation(len(goal.hypotheses)):
        formula = ("->", goal.hypotheses[number], formula)
    return formula


def grown(rng: np.random.Generator, steps: int) -> Goal:
    """A goal that can be proved: tactics said backwards, from a goal that is one of its hypotheses."""
    start = drawn(rng, int(rng.integers(1, 3)))
    goal = Goal((start,), start)
    for _ in range(steps):
        goal = BACKWARDS[int(rng.integers(len(BACKWARDS)))](goal, rng)
    return goal


def drawn(rng: np.random.Generator, letters: int) -> Formula:
    """A formula of so many letters."""
    if letters == 1:
        return str(rng.choice(LETTERS))
    left = int(rng.integers(1, letters))
    return str(rng.choice(SIGNS)), drawn(rng, left), drawn(rng, letters - left)


def _applied(goal: Goal, rng: np.random.Generator) -> Goal:
    new = drawn(rng, 1)
    return Goal((*goal.hypotheses, ("->", goal.formula, new)), new)


def _forwarded(goal: Goal, rng: np.random.Generator) -> Goal:
    *others, last = goal.hypotheses or (drawn(rng, 1),)
    new = drawn(rng, 1)
    return Goal((*others, new, ("->", new, last)), goal.formula)


def _gathered(goal: Goal, rng: np.random.Generator) -> Goal:
    if len(goal.hypotheses) < 2:
        return Goal((*goal.hypotheses, drawn(rng, 1)), goal.formula)
    one, other, *rest = (goal.hypotheses[n] for n in rng.permutation(len(goal.hypotheses)))
    return Goal((*rest, ("&", one, other)), goal.formula)


def _either(goal: Goal, rng: np.random.Generator) -> Goal:
    *others, last = goal.hypotheses or (drawn(rng, 1),)
    new = drawn(rng, 1)
    return Goal((*others, ("|", last, new), ("->", new, goal.formula)), goal.formula)


def _one_of_two(goal: Goal, rng: np.random.Generator) -> Goal:
    sides = (goal.formula, drawn(rng, 1))
    return Goal(goal.hypotheses, ("|", *sides) if rng.random() < 0.5 else ("|", *sides[::-1]))


def _both(goal: Goal, rng: np.random.Generator) -> Goal:
    other = grown(rng, 1)
    return Goal((*goal.hypotheses, *other.hypotheses), ("&", goal.formula, other.formula))


def _assumed(goal: Goal, rng: np.random.Generator) -> Goal:
    if not goal.hypotheses:
        return goal
    chosen = int(rng.integers(len(goal.hypotheses)))
    rest = tuple(h for n, h in enumerate(goal.hypotheses) if n != chosen)
    return Goal(rest, ("->", goal.hypotheses[chosen], goal.formula))


BACKWARDS = (_applied, _forwarded, _gathered, _either, _one_of_two, _both, _assumed)


if __name__ == "__main__":
    lines = [f"{grade} {text}\n" for grade, texts in generate().items() for text in texts]
    with resources.as_file(FILE) as place:
        place.parent.mkdir(exist_ok=True)
        place.write_text("".join(lines), "utf-8")
