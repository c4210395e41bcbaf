"""Who has a problem to plan: two clients with other rules and other words (specs/users/lp-elicitation).

client    answers what it is asked, one fact at a time
guarded   names things at once, relations once it has some trust, and figures once it has more; trust grows a little
          with each question and much with a word of reassurance
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import ByTrust, Disclosure, OnRequest
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Sentences, Templates
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.elicit_programs import AMOUNTS, DIRECTION, FACTS, KINDS, NONE, Problem, problems

if TYPE_CHECKING:
    from turnwise.worlds.elicit import Elicit

OPEN = Sentences(
    Phrases(
        {
            "want": ("I have to plan something and cannot work it out.", "can you help me find the best plan?"),
            "unclear": ("sorry, I do not follow.", "what do you mean?"),
            "vague": ("{about} would be {value}.", "I only know that {about} must be {value}."),
            "refuse": ("I cannot tell you that now.", "let me come back to that."),
            "acknowledge": ("I see.", "go on."),
            "fine": ("all right.", "good.", "as you say."),
            "goodbye": ("thank you, send me the plan.", "great, I wait for the plan."),
            "leave": ("this goes nowhere, I stop here.", "I do not have time for this."),
            "inform": ("{about} is {value}.", "for {about} we have {value}."),
        }
    ),
    ("the printer is out of paper.", "my assistant is on holiday.", "one moment please.", "let me look it up."),
    0.15,
)

WARY = Sentences(
    Phrases(
        {
            "want": ("somebody said you make plans.", "we need numbers crunched, discreetly."),
            "unclear": ("come again?", "that makes no sense to me."),
            "vague": ("{about}: well, {value}.", "{about}, roughly {value}."),
            "refuse": ("that is confidential.", "who else will read this?"),
            "acknowledge": ("and?", "get on with it."),
            "fine": ("noted.", "hm, fine."),
            "goodbye": ("then I expect your plan.", "we will see what you make of it."),
            "leave": ("we are done here.", "I will ask somebody else."),
            "inform": ("{about}: {value}.", "about {about}, it is {value}."),
        }
    ),
    ("the walls have ears.", "off the record.", "my lawyer is late."),
    0.25,
)

TRUST = {"figure": 0.5, "relation": 0.2}
GAINS = {"ask": 0.04, "reassure": 0.3}
"""Ours, as is which fact is a figure, a relation or neither."""


def sort_of(fact: str) -> str:
    """Whether a fact is a figure, a relation, or the name of a thing."""
    if fact.startswith("the limit") or fact.endswith("in the goal") or " amount in " in fact:
        return "figure"
    return "relation" if fact.startswith(("the sign", "the subject", "the rival")) else "name"


THRESHOLDS = {fact: TRUST.get(sort_of(fact), 0.0) for fact in FACTS}


@lru_cache(maxsize=1)
def by_key() -> Mapping[str, Problem]:
    """The problems by the keys of their tasks."""
    return {problem.key: problem for problem in problems()}


MISTAKES = {
    "the name": ("boxes", "hours"),
    DIRECTION: ("as low as possible", "as high as possible"),
    "the sign": ("at most", "at least"),
    "the kind": tuple(KINDS.values()),
    "the subject": AMOUNTS[:2],
    "the rival": AMOUNTS[:2],
}
"""How a fact begins -> what is said of it by mistake."""
FIGURES = ("5", "20", "100", "300")
"""The same of figures, and what limits change to; a mistake must not name another fact of the story."""
OTHERS = {fact: next((said for start, said in MISTAKES.items() if fact.startswith(start)), FIGURES) for fact in FACTS}


VAGUE = {"figure": "some figure", "relation": "the usual", "name": "what you would think"}
VAGUELY = {fact: VAGUE[sort_of(fact)] for fact in FACTS}


class Client(Person):
    """Somebody who tells unasked only what there is."""

    def free(self, standing: Standing, act: DialogueAct) -> list[str]:
        return [name for name in super().free(standing, act) if standing.facts[name] != NONE]


def client(rule: Disclosure, voice: Templates, task: Task, knobs: Knobs) -> Person:
    """Who has the problem of a task."""
    facts = by_key()[task.params["problem"]].facts
    limits = tuple(name for name, value in facts.items() if name.startswith("the limit") and value != NONE)
    return Client(facts, rule, voice, knobs, OTHERS, VAGUELY, limits)


RULES: Mapping[str, Disclosure] = {
    "client": OnRequest(),
    "guarded": ByTrust(THRESHOLDS, GAINS),
}


def _somebody(name: str, title: str, said: str, voice: Templates) -> Somebody:
    def make(world: Elicit, task: Task, knobs: Knobs) -> Person:
        return client(RULES[name], voice, task, knobs)

    return Somebody(title, said, voice, make)


PEOPLE = {
    "client": _somebody("client", "answers what it is asked, one fact at a time", "requested slot", OPEN),
    "guarded": _somebody("guarded", "gives figures to those it trusts", "trust threshold", WARY),
}
