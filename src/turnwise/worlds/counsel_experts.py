"""Scripted trainees of `counsel`; each reads the conversation alone.

    trust           open questions in the order in which trust opens the fields; where a field is kept, understanding
                    words until it is told
    questionnaire   the fields in the order of the form, core beliefs first, in closed questions, each once more if kept
    hasty           the trust-builder in two turns of three, else anything
    random          any act about any field

All hand in what they were told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from turnwise.core.protocols import View
from turnwise.users.acts import DialogueAct
from turnwise.users.voice import Templates
from turnwise.worlds.base import Expert
from turnwise.worlds.counsel_diagram import FIELDS
from turnwise.worlds.counsel_score import written

if TYPE_CHECKING:
    from turnwise.worlds.counsel import Counsel

FORM = tuple(reversed(FIELDS))
SIMPLE = (DialogueAct("validate"), DialogueAct("advise"))
ROUNDS = 20
"""Turns of who acts at random, before the form."""


class Trainee:
    """What all share: the reading of a conversation, and the form at its end."""

    def __init__(self, world: Counsel):
        self.world = world

    def act(self, told: Mapping[str, str], kept: bool, turn: int, rng: np.random.Generator) -> DialogueAct | None:
        """What to do; None: hand in the form.

        Args:
            kept: whether the last question was refused.
            turn: acts so far.
        """
        raise NotImplementedError(f"{type(self).__name__}.act")

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        texts = tuple(m.text for m in view.messages if m.role in ("user", "assistant"))
        voice, turn = self.world.people[self.world.user].voice, len(texts) // 2
        told = dict(told_in(voice, texts))
        kept = any(act.kind == "refuse" for act in voice.read(texts[-1]))
        act = self.act(told, kept, turn, rng) if turn < self.world.max_turns - 1 and len(told) < len(FIELDS) else None
        ways = self.world.language.all_of(act or DialogueAct("form", value=written(told) or f"{FIELDS[0]} = "))
        return ways[int(rng.integers(len(ways)))] + "\n"


class TrustBuilder(Trainee):
    """Opens with what takes little trust."""

    def act(self, told: Mapping[str, str], kept: bool, turn: int, rng: np.random.Generator) -> DialogueAct | None:
        return SIMPLE[0] if kept else DialogueAct("explore", next(field for field in FIELDS if field not in told))


class Questionnaire(Trainee):
    """Goes through the form, twice."""

    def act(self, told: Mapping[str, str], kept: bool, turn: int, rng: np.random.Generator) -> DialogueAct | None:
        if turn < len(FORM):
            return DialogueAct("ask", FORM[turn])
        left = [field for field in FORM if field not in told]
        return DialogueAct("ask", left[(turn - len(FORM)) % len(left)])


class Random(Trainee):
    """Anything, and a form after twenty turns."""

    def act(self, told: Mapping[str, str], kept: bool, turn: int, rng: np.random.Generator) -> DialogueAct | None:
        return anything(rng) if turn < ROUNDS else None


class Hasty(TrustBuilder):
    """Does something else one time in three."""

    def act(self, told: Mapping[str, str], kept: bool, turn: int, rng: np.random.Generator) -> DialogueAct | None:
        return anything(rng) if rng.random() < 1 / 3 else super().act(told, kept, turn, rng)


def anything(rng: np.random.Generator) -> DialogueAct:
    """One of four kinds of acts, about any field."""
    field = FIELDS[int(rng.integers(len(FIELDS)))]
    return (*SIMPLE, DialogueAct("explore", field), DialogueAct("ask", field))[int(rng.integers(4))]


@lru_cache(maxsize=1 << 14)
def told_in(voice: Templates, texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Field and value of everything that a conversation tells, the last word on each."""
    if len(texts) < 3:
        return ()
    new = {act.about: act.value for act in voice.read(texts[-1]) if act.kind == "inform"}
    return tuple({**dict(told_in(voice, texts[:-2])), **new}.items())


EXPERTS: Mapping[str, Callable[[Any], Expert]] = {
    "hasty": Hasty,
    "questionnaire": Questionnaire,
    "random": Random,
    "trust": TrustBuilder,
}
