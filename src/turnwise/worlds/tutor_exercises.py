"""Exercises that a student gets wrong, step by step: chains of arithmetic, generated (specs/users/mathdial).

An exercise says what the student writes for any set of steps that it misunderstands; nothing misunderstood is right. A
misunderstanding is of a skill, so it shows again in a sibling: other numbers, the same skills.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, permutations
from typing import Protocol

import numpy as np

from turnwise.core.chance import generator

ANSWER = "answer"


class Exercise(Hashable, Protocol):
    """What a tutor and a student talk about. A step is named "step 1" and so on."""

    question: str
    key: tuple[str, ...]  # the right solution in lines, as the tutor sees it
    answer: str  # the right one
    mistakes: tuple[tuple[str, ...], ...]  # sets of steps that a student may misunderstand
    shown: bool  # whether the student shows its work before it is asked

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the student's steps."""
        ...

    def work(self, misunderstood: tuple[str, ...]) -> Mapping[str, str]:
        """What the student has for each step, and for the answer."""
        ...

    def rests(self, fact: str) -> tuple[str, ...]:
        """The steps that must be right before this one, or the answer, can be."""
        ...

    def sibling_right(self, misunderstood: tuple[str, ...]) -> bool:
        """Whether another exercise of the same skills would be solved."""
        ...


def step_names(count: int) -> tuple[str, ...]:
    """step 1, step 2, ..."""
    return tuple(f"step {i + 1}" for i in range(count))


@dataclass(frozen=True)
class Skill:
    """One operation in a story.

    Args:
        text: with {a} and {b} for its numbers, {who} and {things}.
        right: running number, a and b -> the next; None where that is no whole number.
        wrong: the same with the operation that a misunderstanding puts in its place.
        sign: how the key writes it.
    """

    text: str
    right: Callable[[int, int, int], int | None]
    wrong: Callable[[int, int, int], int | None]
    sign: str


SKILLS: Mapping[str, Skill] = {
    "packs": Skill(
        "{who} buys {a} packs of {b} {things} each.",
        lambda x, a, b: x + a * b,
        lambda x, a, b: x + a + b,
        "+ {a} x {b}",
    ),
    "gives": Skill("{who} gives {a} {things} away.", lambda x, a, b: x - a, lambda x, a, b: x + a, "- {a}"),
    "times": Skill(
        "A friend makes it {b} times as many {things}.", lambda x, a, b: x * b, lambda x, a, b: x + b, "x {b}"
    ),
    "share": Skill(
        "{who} deals the {things} out to {b} children and counts what one child gets.",
        lambda x, a, b: None if x % b else x // b,
        lambda x, a, b: x - b,
        "/ {b}",
    ),
}
WHO = ("Mara", "Tom", "Ines", "Karan", "Julia", "Deng", "Nadia", "Luca")
THINGS = ("stickers", "marbles", "cards", "shells", "beads", "stamps")
LENGTH, LARGEST = 3, 199
ORDERS = tuple(
    order
    for order in permutations(SKILLS, LENGTH)
    if not any({*pair} == {"times", "share"} for pair in zip(order, order[1:], strict=False))
)
"""Skills of an exercise; where one undoes the other, mistakes would hide."""


@dataclass(frozen=True)
class Chain:
    """A running number and one operation per step; a wrong number is carried on."""

    who: str
    things: str
    start: int
    skills: tuple[str, ...]
    numbers: tuple[tuple[int, int], ...]  # a and b of each step
    shown = False

    @cached_property
    def steps(self) -> tuple[str, ...]:
        return step_names(len(self.skills))

    @cached_property
    def mistakes(self) -> tuple[tuple[str, ...], ...]:
        return tuple(some for size in (1, 2) for some in combinations(self.steps, size))

    @cached_property
    def question(self) -> str:
        told = [f"{self.who} has {self.start} {self.things}."]
        for skill, (a, b) in zip(self.skills, self.numbers, strict=True):
            told.append(SKILLS[skill].text.format(who=self.who, things=self.things, a=a, b=b))
        return " ".join(told) + " How many is that?"

    @cached_property
    def key(self) -> tuple[str, ...]:
        right, lines, before = self.work(()), list[str](), str(self.start)
        for name, skill, (a, b) in zip(self.steps, self.skills, self.numbers, strict=True):
            lines.append(f"{name}: {before} {SKILLS[skill].sign.format(a=a, b=b)} = {right[name]}")
            before = right[name]
        return tuple(lines)

    @cached_property
    def answer(self) -> str:
        return self.work(())[ANSWER]

    def work(self, misunderstood: tuple[str, ...]) -> Mapping[str, str]:
        return _worked(self, misunderstood)

    def results(self, misunderstood: Sequence[str]) -> list[int] | None:
        """The running number after each step; None where one is no whole number from 1 to 199."""
        x, found = self.start, list[int]()
        for name, skill, (a, b) in zip(self.steps, self.skills, self.numbers, strict=True):
            rule = SKILLS[skill].wrong if name in misunderstood else SKILLS[skill].right
            y = rule(x, a, b)
            if y is None or not 0 < y <= LARGEST:
                return None
            x = y
            found.append(x)
        return found

    def rests(self, fact: str) -> tuple[str, ...]:
        return self.steps if fact == ANSWER else self.steps[: self.steps.index(fact) + 1]

    @cached_property
    def sibling(self) -> Chain:
        """The same skills in the same order, with other numbers."""
        return _drawn(generator("sibling", self.question), self.skills)

    def sibling_right(self, misunderstood: tuple[str, ...]) -> bool:
        return self.sibling.work(misunderstood)[ANSWER] == self.sibling.answer


@lru_cache(maxsize=1 << 14)
def _worked(chain: Chain, misunderstood: tuple[str, ...]) -> Mapping[str, str]:
    results = chain.results(misunderstood) or []
    return dict(zip((*chain.steps, ANSWER), map(str, (*results, results[-1])), strict=True))


@lru_cache(maxsize=1 << 12)
def chain(number: int) -> Chain:
    """The generated exercise of a number, always the same."""
    rng = generator("tutor exercise", number)
    return _drawn(rng, ORDERS[rng.integers(len(ORDERS))])


def _drawn(rng: np.random.Generator, skills: tuple[str, ...]) -> Chain:
    """Numbers for these skills with which no mistake hides: drawn until they are."""
    while True:
        who, things = WHO[rng.integers(len(WHO))], THINGS[rng.integers(len(THINGS))]
        numbers = tuple((int(rng.integers(4, 10)), int(rng.integers(2, 4))) for _ in skills)
        made = Chain(who, things, int(rng.integers(12, 60)), skills, numbers)
        if _fair(made):
            return made


def _fair(made: Chain) -> bool:
    """Whether every result that a mistake spoils is a number that nobody says before it was understood: not in the
    question, not the number of a step, and not a wrong result.
    """
    right = made.results(())
    wrong = [made.results(some) for some in made.mistakes]
    if right is None or any(results is None for results in wrong) or len({*right}) < len(right):
        return False
    said = {made.start, *(n for ab in made.numbers for n in ab), *range(1, 10)}
    said |= {x for results in wrong for x in results or () if x not in right}
    shifted = any(x in right and right[i] != x for results in wrong for i, x in enumerate(results or ()))
    return not shifted and not said & {*right} and all((results or right)[-1] != right[-1] for results in wrong)
