"""Who is interviewed: two patients who tell their evidences by different rules, in different words.

patient    answers what it is asked                                                    (specs/users/ddxplus)
guarded    terse; of what is delicate it tells nothing before it trusts the agent a little
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from turnwise.core.types import Task
from turnwise.users.disclosure import ByTrust, Disclosure, OnRequest
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.interview_tables import Tables

if TYPE_CHECKING:
    from turnwise.worlds.interview import Interview

OPEN = Templates(
    Phrases(
        {
            "come": (
                "I am a {value}, and I come because of {about}.",
                "hello, I am a {value}. my trouble is {about}.",
                "doctor, I am a {value} with {about}.",
            ),
            "inform=yes": ("yes, I have {about}.", "yes, {about}.", "{about}, indeed."),
            "inform=no": ("no {about}.", "I do not have {about}.", "{about} is not my problem."),
            "inform": ("as to {about}, {value}.", "{about}: {value}."),
            "vague": ("{about}? hard to say.", "I am not sure about {about}."),
            "refuse": ("I would rather not speak of {about}.",),
            "acknowledge": ("thank you.", "all right."),
            "unclear": ("sorry, what was the question?", "I did not understand you."),
            "leave": ("I have waited long enough, goodbye.",),
        }
    ),
    ("your waiting room is full today.", "my sister told me to come.", "I took the bus.", "it has been a long week."),
    chatter=0.15,
)

TERSE = Templates(
    Phrases(
        {
            "come": ("{value}, here for {about}.", "{about} is what I have, {value}."),
            "inform=yes": ("{about}, yes.", "sure, {about}.", "some {about}."),
            "inform=no": ("{about}, no.", "without {about}.", "never {about}."),
            "inform": ("{about}, that is {value}.", "{value}, speaking of {about}."),
            "vague": ("{about}, who knows.", "maybe {about}, maybe not."),
            "refuse": ("{about} is private.", "why do you want to know about {about}?"),
            "acknowledge": ("hm.", "fine."),
            "unclear": ("what?", "come again?"),
            "leave": ("I am leaving.",),
        }
    ),
    ("doctors.", "is this going to take long?", "whatever."),
    chatter=0.25,
)

DELICATE = (
    "alcohol addiction",
    "anxiety",
    "chronic anxiety",
    "earlier depression",
    "fear of dying",
    "feeling detached",
    "hiv",
    "intravenous drugs",
    "partner with hiv",
    "pregnancy",
    "psychiatric illness in the family",
    "sexually transmitted infection",
    "smoking",
    "stimulant drugs",
    "unprotected sex",
    "vaginal discharge",
)
TRUST = ByTrust(dict.fromkeys(DELICATE, 0.3), {"ask": 0.03, "reassure": 0.15})
"""Ten questions open what is delicate, or two kind words."""


@lru_cache(maxsize=4)
def alternatives(known: Tables) -> Mapping[str, tuple[str, ...]]:
    """What a mistaken answer names: what is absent is present, or the other way about (see `mistaken`)."""
    return {name: (evidence.default, *evidence.values) for name, evidence in known.evidences.items()}


def patient(world: Interview, task: Task, knobs: Knobs, rule: Disclosure, voice: Templates) -> Person:
    """Whoever has the evidences of a task."""
    of, present = world.law.tables, task.params["present"]
    facts = {**of.defaults, **present}
    others = {}
    if knobs.error:
        wrong = alternatives(of)
        others = {name: wrong[name][:1] if name in present else wrong[name][1:] for name in facts}
    return Person(facts, rule, voice, knobs, others)


def asked(world: Interview, task: Task, knobs: Knobs) -> Person:
    """Who answers."""
    return patient(world, task, knobs, OnRequest(), OPEN)


def guarded(world: Interview, task: Task, knobs: Knobs) -> Person:
    """Who keeps what is delicate."""
    return patient(world, task, knobs, TRUST, TERSE)


PEOPLE = {
    "patient": Somebody("answers what it is asked", "requested slot", OPEN, asked),
    "guarded": Somebody("terse, keeps what is delicate until it trusts", "trust threshold", TERSE, guarded),
}
