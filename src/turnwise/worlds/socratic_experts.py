"""Scripted tutors of the world `socratic`; each reads the conversation alone.

direct    names the fixes, one after the other
random    any question about any line with a bug
flat      the questions of all levels, bug after bug, whatever is answered
tree      TreeInstruct's planner: a sibling after a wrong answer, a child after a right one that was not enough, a line
          of teaching once three questions of a level were answered wrong
noisy     the tree, with any move instead one time in four, naming a fix among them
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.protocols import View
from turnwise.users.acts import DialogueAct
from turnwise.worlds.base import Expert
from turnwise.worlds.socratic_programs import KINDS, LEVELS, RIGHT, same_code

if TYPE_CHECKING:
    from turnwise.worlds.socratic import Socratic

NOISE, PATIENCE = 0.25, 3
"""Chance of another move, and questions of a level before the tree teaches."""
BRIEFED = re.compile(r"(?P<line>line \d+), (?P<kind>\w+): replace (?P<wrong>.+) with (?P<right>.+)")
FIX = DialogueAct("fix")


@dataclass
class Seen:
    """A conversation as the tutor knows it."""

    kinds: dict[str, str] = field(default_factory=dict)  # line with a bug -> its kind
    fixes: dict[str, str] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)  # lines whose fix the student said
    target: str = ""
    level: int = 0
    asked: int = 0  # questions of the level about the target
    turns: int = 0
    held_back: bool = False  # whether the student knows more than it said

    def open(self) -> list[str]:
        """Lines with a bug that the student did not correct."""
        return [line for line in self.kinds if line not in self.fixed]


def look(world: Socratic, view: View) -> Seen:
    """Read a view from its beginning."""
    seen, voice, act = Seen(), world.people[world.user].voice, None
    for message in view.messages:
        if message.role == "system":
            seen.kinds, seen.fixes = read_brief(message.text)
            seen.target = next(iter(seen.kinds))
        elif message.role == "assistant":
            act = world.language.read(message.text)
            seen.turns += 1
        else:
            _answered(seen, act, voice.read(message.text))
    return seen


@lru_cache(maxsize=1 << 10)
def read_brief(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The kind and the fix of each bug, by line."""
    found = list(BRIEFED.finditer(text))
    return {row["line"]: row["kind"] for row in found}, {row["line"]: row["right"] for row in found}


def _answered(seen: Seen, act: DialogueAct | None, answer: tuple[DialogueAct, ...]) -> None:
    """Where the tree stands after an answer: a new target once the old one is corrected."""
    for said in answer:
        if said.kind == "inform" and same_code(said.value, seen.fixes.get(said.about, "")):
            seen.fixed.add(said.about)
    seen.held_back = any(said.kind in ("vague", "refuse") for said in answer)
    left = seen.open()
    if not left or seen.target != left[0]:
        seen.target, seen.level, seen.asked = (left[0] if left else ""), 0, 0
    elif act is not None and act.about == seen.target and act.kind in (*LEVELS, "teach"):
        right = any(said.kind == "thinks" and said.value in RIGHT for said in answer)
        seen.level, seen.asked = (min(seen.level + 1, 2), 0) if right else (seen.level, seen.asked + 1)


def tree(seen: Seen, rng: np.random.Generator) -> DialogueAct:
    if not seen.target or seen.held_back:
        return FIX
    if seen.asked >= PATIENCE:
        return DialogueAct("teach", seen.target, KINDS[seen.kinds[seen.target]].concept)
    return DialogueAct(LEVELS[seen.level], seen.target)


def flat(seen: Seen, rng: np.random.Generator) -> DialogueAct:
    lines = list(seen.kinds)
    number = seen.turns % (len(lines) * len(LEVELS))
    return DialogueAct(LEVELS[number % len(LEVELS)], lines[number // len(LEVELS)])


def direct(seen: Seen, rng: np.random.Generator) -> DialogueAct:
    return DialogueAct("tell", seen.target, seen.fixes[seen.target]) if seen.target else FIX


def randomly(seen: Seen, rng: np.random.Generator) -> DialogueAct:
    lines = list(seen.kinds)
    return DialogueAct(LEVELS[int(rng.random() * len(LEVELS))], lines[int(rng.random() * len(lines))])


def noisy(seen: Seen, rng: np.random.Generator) -> DialogueAct:
    if rng.random() >= NOISE:
        return tree(seen, rng)
    return direct(seen, rng) if rng.random() < NOISE else randomly(seen, rng)


Move = Callable[[Seen, np.random.Generator], DialogueAct]


def player(move: Move) -> Callable[[Socratic], Expert]:
    """What makes the player of a rule; it speaks in any of the wordings there are."""

    def made(world: Socratic) -> Expert:
        def says(view: View, rng: np.random.Generator) -> str:
            texts = world.language.all_of(move(look(world, view), rng))
            return texts[int(rng.random() * len(texts))] + "\n"

        return says

    return made


EXPERTS: Mapping[str, Callable[[Socratic], Expert]] = {
    "direct": player(direct),
    "flat": player(flat),
    "noisy": player(noisy),
    "random": player(randomly),
    "tree": player(tree),
}
