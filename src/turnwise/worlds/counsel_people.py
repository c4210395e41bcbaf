"""The patients of `counsel`: one diagram, six styles, and one who trusts at once (specs/users/patient-psi).

A style is a table of wordings, remarks of its own, a trust to begin with, and how many sentences a reply has at most.
Remarks come in some turns only, and the fewer the more trust there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import ByTrust
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person, Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates
from turnwise.worlds.conversation import Somebody
from turnwise.worlds.counsel_diagram import FIELDS, alternatives, kind_of

if TYPE_CHECKING:
    from turnwise.worlds.counsel import Counsel

STEP = 0.08
GAINS = {"explore": STEP, "validate": 2 * STEP, "advise": -STEP}
"""What adds to trust: an open question, a word that shows it was understood, advice that comes too early."""

THRESHOLDS: Mapping[str, float] = {
    "situation": 0.1,
    "emotion": 0.2,
    "thoughts": 0.3,
    "behaviour": 0.3,
    "coping": 0.5,
    "rules": 0.6,
    "rules when low": 0.6,
    "core beliefs": 0.8,
}
REMARKS = 0.8
"""Chance of a remark in a turn without any trust."""


@dataclass(frozen=True)
class Style:
    """How somebody speaks."""

    begin: float  # trust at first
    cap: int | None  # most sentences of a reply
    words: Mapping[str, tuple[str, ...]]  # wordings of its own

    @property
    def voice(self) -> Templates:
        return Templates(Phrases({**PLAIN, **self.words}))


PLAIN: Mapping[str, tuple[str, ...]] = {
    "hello": ("hello. lately it has been about {value}.", "good morning. i came because of {value}."),
    "remark": ("let me see.", "i think about that sometimes."),
    "refuse": ("i would rather not talk about that yet.", "not now, please."),
    "vague": ("that is hard to put in words.", "i cannot really say."),
    "acknowledge": ("thank you.", "all right."),
    "unclear": ("i do not understand.", "what do you mean?"),
    "leave": ("i want to stop here.",),
    "inform": ("my {about}: {value}.", "as for {about}, {value}."),
}
STYLES: Mapping[str, Style] = {
    "plain": Style(0.4, None, {}),
    "upset": Style(
        0.1,
        3,
        {
            "remark": ("this is pointless!", "why do you keep asking me things?", "nobody ever listens anyway."),
            "refuse": ("that is none of your business!", "leave me alone with that."),
            "inform": ("fine, {about}: {value}!", "if you must know about {about}, {value}!"),
            "acknowledge": ("if you say so.", "sure."),
        },
    ),
    "verbose": Style(
        0.4,
        8,
        {
            "remark": (
                "where do i begin. there is always so much going on. only yesterday i told my neighbour the same.",
                "you know how it is with me. one thing leads to the next.",
            ),
            "inform": (
                "to make it short, my {about} would be this: {value}.",
                "and so, when it comes to {about}, {value}.",
            ),
            "refuse": ("oh, that is a long story for another day.",),
        },
    ),
    "reserved": Style(
        0.1,
        3,
        {
            "remark": ("hm.", "well."),
            "inform": ("{value}, that is the {about}.", "{about}, {value}."),
            "refuse": ("no.", "i do not know."),
            "acknowledge": ("okay.", "mhm."),
        },
    ),
    "tangent": Style(
        0.3,
        5,
        {
            "remark": (
                "did you see the rain this morning? my plants will love it.",
                "that reminds me of a film. i forget its name.",
            ),
            "refuse": ("by the way, where did you get that lamp?", "my dentist asks such things too."),
            "inform": ("where was i, right, {about}: {value}.", "anyway, about the {about}, {value}."),
        },
    ),
    "pleasing": Style(
        0.6,
        5,
        {
            "remark": ("you are so good at this!", "i hope that this is what you want to hear."),
            "refuse": ("i am sorry, could we talk about that later?",),
            "inform": ("of course, my {about}: {value}.", "gladly, {about} would be this, {value}."),
            "acknowledge": ("you are so right!", "thank you so much."),
        },
    ),
}


@dataclass(frozen=True)
class Patient(Person):
    """A person whose remarks fade as its trust grows."""

    def reply(self, standing: Standing, act: DialogueAct | None, draws: Draws, useful: bool = False) -> Reply:
        reply = super().reply(standing, act, draws, useful)
        trust = float(reply.standing.state)  # type: ignore[arg-type]  # of ByTrust
        if reply.standing.left or not draws.happens(REMARKS * (1.0 - trust), "remark"):
            return reply
        return replace(reply, acts=(DialogueAct("remark"), *reply.acts))


def patient(world: Counsel, task: Task, knobs: Knobs, style: Style, voice: Templates, trusting: bool = False) -> Person:
    """Who has the diagram of a task."""
    needs = {} if trusting else {field: THRESHOLDS[kind_of(field)] for field in FIELDS}
    rule = ByTrust(needs, GAINS, style.begin, frozenset({"ask", "explore"}))
    return Patient(task.params["diagram"], rule, voice, knobs, alternatives(world.sensitive))


def _somebody(name: str, title: str, trusting: bool = False) -> Somebody:
    style = STYLES["plain" if trusting else name]
    voice = style.voice
    return Somebody(
        title,
        "trust threshold",
        voice,
        lambda world, task, knobs: patient(world, task, knobs, style, voice, trusting),
    )


PEOPLE = {name: _somebody(name, f"tells more as it trusts; {name} style") for name in STYLES}
PEOPLE["trusting"] = _somebody("trusting", "tells whatever is asked: all thresholds at 0", trusting=True)
