"""Scripted interviewers; each reads the conversation alone and knows the tables and the rule that patients follow.

    bayes          asks what leaves the least entropy, until one condition has 95% or nothing is open
    careless       the same, but every second question is any that is open, and it is content with 70%
    questionnaire  asks the same twelve things of everybody
    random         asks twelve things drawn anew

All end with the exact posterior of what they heard, so that they differ in their questions alone.
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
from turnwise.worlds.interview_belief import Belief, expected_entropies
from turnwise.worlds.interview_differential import LANGUAGE, spoken
from turnwise.worlds.interview_patients import Law, pick

if TYPE_CHECKING:
    from turnwise.worlds.interview import Interview

QUESTIONS = 12
"""Of those who ask a fixed number."""


class Interviewer:
    """What all share: the reading of a conversation, and the differential at its end."""

    def __init__(self, world: Interview):
        self.world, self.law = world, world.law

    def question(self, belief: Belief, asked: int, rng: np.random.Generator) -> str | None:
        """What to ask for next; None: that is enough.

        Args:
            asked: questions so far.
        """
        raise NotImplementedError(f"{type(self).__name__}.question")

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        texts = tuple(m.text for m in view.messages if m.role in ("user", "assistant"))
        belief = believed(self.law, self.world.people[self.world.user].voice, self.world.error, texts)
        asked = len(texts) // 2
        name = self.question(belief, asked, rng) if asked < self.world.max_turns - 1 else None
        act = DialogueAct("ask", name) if name else DialogueAct("diagnose", value=differential_of(belief))
        return pick(LANGUAGE.all_of(act), rng) + "\n"


class Bayes(Interviewer):
    """Asks what leaves the least entropy on average."""

    def __init__(self, world: Interview, sure: float = 0.95, stray: float = 0.0):
        super().__init__(world)
        self.sure, self.stray = sure, stray

    def question(self, belief: Belief, asked: int, rng: np.random.Generator) -> str | None:
        left = expected_entropies(belief)
        if not left or belief.posterior.max() >= self.sure:
            return None
        return pick(left, rng)[0] if self.stray and rng.random() < self.stray else best_question(belief)


class Questionnaire(Interviewer):
    """Asks for what most conditions list, whatever is answered."""

    def question(self, belief: Belief, asked: int, rng: np.random.Generator) -> str | None:
        names = [name for name in usual(self.law)[: QUESTIONS + 1] if name != belief.first][:QUESTIONS]
        return names[asked] if asked < len(names) else None


class Random(Interviewer):
    """Asks for anything that it does not know."""

    def question(self, belief: Belief, asked: int, rng: np.random.Generator) -> str | None:
        known = belief.asked
        names = [name for name in self.law.tables.evidences if name not in known]
        return pick(names, rng) if asked < QUESTIONS and names else None


@lru_cache(maxsize=1 << 15)
def believed(law: Law, voice: Templates, error: float, texts: tuple[str, ...]) -> Belief:
    """What a conversation says; it stands on what it said one exchange earlier."""
    from turnwise.worlds.interview import heard

    if len(texts) == 1:
        return Belief(law, voice.read(texts[0])[0].about, (), error)
    return heard(believed(law, voice, error, texts[:-2]), voice.read(texts[-1]))


@lru_cache(maxsize=1 << 15)
def best_question(belief: Belief) -> str:
    """The question that leaves the least entropy."""
    return min(expected_entropies(belief), key=lambda pair: pair[1])[0]


@lru_cache(maxsize=1 << 15)
def differential_of(belief: Belief) -> str:
    """What is believed, in words."""
    return spoken(belief.law.tables, belief.posterior)


@lru_cache(maxsize=8)
def usual(law: Law) -> tuple[str, ...]:
    """Evidences by how many conditions list them, most first; without those that follow up another."""
    listed = {name: 0 for name, evidence in law.tables.evidences.items() if evidence.parent == name}
    for condition in law.tables.conditions:
        for name in {*condition.symptoms, *condition.antecedents} & listed.keys():
            listed[name] += 1
    return tuple(sorted(listed, key=lambda name: -listed[name]))


EXPERTS: Mapping[str, Callable[[Any], Expert]] = {
    "bayes": Bayes,
    "careless": lambda world: Bayes(world, sure=0.7, stray=0.5),
    "questionnaire": Questionnaire,
    "random": Random,
}
