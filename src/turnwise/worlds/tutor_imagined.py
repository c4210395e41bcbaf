"""Imagined students: misunderstandings drawn anew among those that fit what the tutor has seen."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from turnwise.core.chance import Chance
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.knobs import AT_REST
from turnwise.users.person import Standing
from turnwise.worlds.conversation import Exchange
from turnwise.worlds.tutor_student import BELIEVES, LEARN, MOST_NEEDED, Student, enrolled

if TYPE_CHECKING:
    from turnwise.worlds.tutor import Tutor

SILENT = ("refuse", "vague")
"""What the knobs may put in the place of a result."""


def imagined(world: Tutor, view: View, chance: Chance) -> Tutor:
    """A world with another student who could have said all this."""
    twin, exchanges = copy.copy(world), world.exchanges(view.messages)
    fits = [(student, standing, w) for student, w in students(world) if (standing := followed(student, exchanges))]
    if not fits:  # somebody erred, or spoke in other words: any student of this exercise
        fits = [(student, heard_only(student, exchanges), w) for student, w in students(world)]
    twin._person, twin._standing = _drawn(fits, chance)
    twin._person = replace(twin._person, knobs=world.knobs)
    twin._chance, twin._begin, twin._heard = chance, twin._standing, ()
    twin._task = Task("imagined", world.name, {"misunderstood": list(twin._student.working.needs)})
    return twin


def _drawn(fits: Sequence[tuple[Student, Standing, float]], chance: Chance) -> tuple[Student, Standing]:
    """One of them, by weight."""
    point = chance.uniform("imagined student") * sum(weight for *_, weight in fits)
    for student, standing, weight in fits:
        point -= weight
        if point < 0:
            return student, standing
    return fits[-1][:2]


def students(world: Tutor) -> list[tuple[Student, float]]:
    """Every student there could be, at rest, with its chance."""
    exercise, voice = world._exercise, world.people[world.user].voice
    tracer = world.user == "tracer"
    counts = range(1, MOST_NEEDED + 1) if tracer else (BELIEVES,)
    found = []
    for steps in exercise.mistakes:
        for needs in product(counts, repeat=len(steps)):
            student = enrolled(exercise, dict(zip(steps, needs, strict=True)), voice, AT_REST, tracer)
            weight = 1.0 / len(exercise.mistakes)
            for need in needs if tracer else ():
                weight *= (1 - LEARN) ** (need - 1) * (LEARN if need < MOST_NEEDED else 1.0)
            found.append((student, weight))
    return found


def followed(student: Student, exchanges: Sequence[Exchange]) -> Standing | None:
    """Where the conversation stands with this student; None where it would have said something else."""
    standing = student.begin()
    for exchange in exchanges[1:]:
        reply = student.reply(standing, exchange.act, Draws(0, 0))
        if not _agree(exchange.answer, reply.acts):
            return None
        standing = _told(reply.standing, standing, exchange.answer)
    opening = exchanges[0].answer[1:] if exchanges else ()
    return None if opening and not _agree(opening, student.closed(DialogueAct("walk"), student.begin())) else standing


def heard_only(student: Student, exchanges: Sequence[Exchange]) -> Standing:
    """The same, whatever the student would have said."""
    standing = student.begin()
    for exchange in exchanges[1:]:
        reply = student.reply(standing, exchange.act, Draws(0, 0))
        standing = _told(reply.standing, standing, exchange.answer)
    return standing


def _told(after: Standing, before: Standing, answer: Sequence[DialogueAct]) -> Standing:
    """A standing with what was really said."""
    said = {act.about: after.facts.get(act.about, act.value) for act in answer if act.kind == "inform"}
    return replace(after, told={**before.told, **said})


def _agree(seen: Sequence[DialogueAct], would: Sequence[DialogueAct]) -> bool:
    """Whether what was said is what this student would say, or what a knob makes of it."""
    if not seen or seen[0].kind in SILENT:
        return any(act.kind == "inform" for act in would) or bool(seen and seen[0].kind == would[0].kind)
    if seen[0].kind == "inform":
        return would[0].kind == "inform" and _same(seen[0], would[0])
    return len(seen) == len(would) and all(_same(a, b) for a, b in zip(seen, would, strict=True))


def _same(seen: DialogueAct, would: DialogueAct) -> bool:
    """The same act, in other letters at most. A result that is named by mistake counts as another student's."""
    return (seen.kind, seen.about, seen.value.casefold()) == (would.kind, would.about, would.value.casefold())
