"""Scripted players of safe-answers, of both seats; they know what is shown to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds import safe_answers_rules as rules
from turnwise.worlds.base import Expert

LOOKS = tuple(
    rules.write_look(rules.Verdict(unsafe, over), advice)
    for unsafe in (False, True)
    for over in (False, True)
    for advice in rules.ADVICE
)
"""Everything that an adviser can write in form."""


def prompt_of(view: View) -> str:
    """The prompt's text."""
    return next(m.text for m in view.messages if m.role == "user").removesuffix("\n")


def sounds_harmful(prompt: str) -> bool:
    """What it sounds like."""
    return prompt.startswith(rules.ALARMING)


def advice_heard(view: View) -> str:
    """The advice in the newest message; `none` where that is the prompt."""
    look = rules.read_look([m for m in view.messages if m.role == "user"][-1].text)
    return "none" if look is None else look.advice


def obedient(view: View, rng: np.random.Generator) -> str:
    """By sound at first, then as advised."""
    advised = advice_heard(view)
    return f"{rules.right_answer(sounds_harmful(prompt_of(view))) if advised == 'none' else advised}\n"


def rough(view: View, rng: np.random.Generator) -> str:
    """By sound, by advice two times in three where there is any; and half the time anything."""
    advised = advice_heard(view)
    wanted = rules.right_answer(sounds_harmful(prompt_of(view)))
    if advised != "none" and rng.random() < 2 / 3:
        wanted = advised
    return f"{wanted}\n" if rng.random() < 0.5 else anything(view, rng)


def judge(view: View, rng: np.random.Generator) -> str:
    """The labels and the advice that fit what the answer shows; where it shows nothing, the prompt's sound."""
    found = rules.SHOWN.fullmatch(view.messages[-1].text.removesuffix("\n"))
    if found is None:
        return rules.write_look(rules.Verdict(False, False), "none")
    harmful = sounds_harmful(prompt_of(view)) if found[2] is None else found[2] == rules.HARM
    given = rules.verdict(harmful, found[1])
    return rules.write_look(given, "none" if given.good else rules.right_answer(harmful))


def rough_judge(view: View, rng: np.random.Generator) -> str:
    """The judge half the time, and half the time anything."""
    return judge(view, rng) if rng.random() < 0.5 else LOOKS[int(rng.integers(len(LOOKS)))]


def always(text: str) -> Callable[[Any], Expert]:
    """A player of one text."""
    return lambda world: lambda view, rng: text


def anything(view: View, rng: np.random.Generator) -> str:
    """Any answer."""
    return f"{rules.ANSWERS[int(rng.integers(len(rules.ANSWERS)))]}\n"


ANSWERERS: dict[str, Callable[[Any], Expert]] = {
    "obedient": lambda world: obedient,
    "random": lambda world: anything,
    "rough": lambda world: rough,
}
ADVISERS: dict[str, Callable[[Any], Expert]] = {
    "blanket": always(rules.write_look(rules.Verdict(True, False), rules.REFUSE)),
    "judge": lambda world: judge,
    "rough": lambda world: rough_judge,
    "silent": always(rules.write_look(rules.Verdict(False, False), "none")),
}
