"""Scripted tutors; each reads the conversation alone.

always-tell   says the answer at once
generic       says kind things, and nothing about the work
sweeper       asks how each step was done, one after the other, without looking for the wrong one
locator       asks to see the work, finds the first wrong step, and asks about it until it is right
noisy         the locator, with any move instead one time in four, telling among them
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.protocols import View
from turnwise.users.acts import DialogueAct
from turnwise.worlds.base import Expert
from turnwise.worlds.tutor_exercises import ANSWER
from turnwise.worlds.tutor_written import numbers

if TYPE_CHECKING:
    from turnwise.worlds.tutor import Tutor

NOISE = 0.25
WALK, ASK, GENERIC = DialogueAct("walk"), DialogueAct("ask"), DialogueAct("generic")


@dataclass
class Seen:
    """A conversation as the tutor knows it."""

    key: dict[str, str] = field(default_factory=dict)  # step -> its right result, where the key names steps
    right: frozenset[str] = frozenset()  # numbers of the key and of the question
    answer: str = ""
    work: dict[str, str] = field(default_factory=dict)  # what the student has, as it said last
    asked: list[str] = field(default_factory=list)  # steps that were spoken of, in order
    last: tuple[DialogueAct, ...] = ()

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the student's steps, where they are known."""
        return tuple(self.key) or tuple(step for step in self.work if step != ANSWER)

    def wrong(self) -> str | None:
        """The first step whose result is not in the key; the last one if each of them is."""
        for step in self.steps:
            if step in self.work and not self.is_right(step, self.work[step]):
                return step
        return self.steps[-1] if ANSWER in self.work and self.steps[-1] in self.work else None

    def is_right(self, step: str, value: str) -> bool:
        """Whether a result is the key's; without a result named for the step, any number of the key will do."""
        if step in self.key:
            return value == self.key[step].casefold()
        found = numbers(value)
        return not found or found[-1] in self.right


def look(world: Tutor, view: View) -> Seen:
    """Read a view from its beginning."""
    seen, voice = Seen(), world.people[world.user].voice
    for message in view.messages:
        if message.role == "system":
            seen.key, seen.right, seen.answer = read_brief(message.text)
        elif message.role == "assistant":
            act = world.language.read(message.text)
            if act is not None and act.kind in ("focus", "probing"):
                seen.asked.append(act.about)
        else:
            _read_student(seen, voice.read(message.text))
    return seen


@lru_cache(maxsize=1 << 12)
def read_brief(text: str) -> tuple[dict[str, str], frozenset[str], str]:
    """Results of the steps, where the key names steps ("step 1: how = result"); numbers of key and question; answer."""
    question, _, key = text.partition("\nkey: ")
    lines, _, answer = key.rpartition("; the answer: ")
    results = {}
    for line in lines.split("; "):
        name, _, rest = line.partition(": ")
        if name.startswith("step "):
            results[name.partition(",")[0]] = rest.rpartition("= ")[2]
    return results, frozenset(numbers(question) + numbers(lines)), answer.strip()


def _read_student(seen: Seen, acts: tuple[DialogueAct, ...]) -> None:
    """What it has now; once it has corrected a step, what it had after that is out of date."""
    for act in acts:
        if act.kind == "inform" and act.about in seen.work:
            later = list(seen.work)[list(seen.work).index(act.about) + 1 :]
            seen.work = {step: value for step, value in seen.work.items() if step not in later}
        if act.kind in ("works", "inform"):
            seen.work[act.about] = act.value
    seen.last = acts


def locate(seen: Seen) -> DialogueAct:
    """The next move of the locator."""
    if any(act.kind in ("vague", "refuse") for act in seen.last):
        return ASK
    if ANSWER not in seen.work or not seen.steps or any(act.kind == "inform" for act in seen.last):
        return WALK
    step = seen.wrong() or seen.steps[-1]
    return DialogueAct("focus" if step in seen.asked[-1:] and seen.asked.count(step) % 2 else "probing", step)


def sweep(seen: Seen) -> DialogueAct:
    """The next move of the sweeper."""
    if any(act.kind in ("vague", "refuse") for act in seen.last):
        return ASK
    steps = seen.steps
    return DialogueAct("probing", steps[len(seen.asked) % len(steps)]) if steps else WALK


def any_move(seen: Seen, rng: np.random.Generator) -> DialogueAct:
    """Any move, telling among them."""
    moves = [WALK, ASK, GENERIC, DialogueAct("tell", ANSWER, seen.answer)]
    moves += [DialogueAct(kind, step) for kind in ("focus", "probing") for step in seen.steps]
    return moves[int(rng.random() * len(moves))]


Move = Callable[[Seen, np.random.Generator], DialogueAct]


def noisy(seen: Seen, rng: np.random.Generator) -> DialogueAct:
    return any_move(seen, rng) if rng.random() < NOISE else locate(seen)


def player(move: Move) -> Callable[[Tutor], Expert]:
    """What makes the player of a rule; it speaks in any of the wordings there are."""

    def made(world: Tutor) -> Expert:
        def says(view: View, rng: np.random.Generator) -> str:
            texts = world.language.all_of(move(look(world, view), rng))
            return texts[int(rng.random() * len(texts))] + "\n"

        return says

    return made


EXPERTS: Mapping[str, Callable[[Tutor], Expert]] = {
    "always-tell": player(lambda seen, rng: DialogueAct("tell", ANSWER, seen.answer)),
    "generic": player(lambda seen, rng: GENERIC),
    "locator": player(lambda seen, rng: locate(seen)),
    "noisy": player(noisy),
    "sweeper": player(lambda seen, rng: sweep(seen)),
}
