"""Imagined students of the world `socratic`: ladders drawn anew among those that fit what the tutor has seen."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from turnwise.core.chance import Chance
from turnwise.core.protocols import View
from turnwise.core.types import Task
from turnwise.users.draws import Draws
from turnwise.users.knobs import AT_REST
from turnwise.users.person import Standing
from turnwise.worlds.conversation import Exchange
from turnwise.worlds.socratic_learner import Learner, debugging
from turnwise.worlds.socratic_programs import LEVELS

if TYPE_CHECKING:
    from turnwise.worlds.socratic import Socratic

LADDERS = tuple(tries for height in range(1, len(LEVELS) + 1) for tries in product((1, 2), repeat=height))
"""Every ladder there is; one of height h is 2^-h times as likely as all of that height together."""


def imagined(world: Socratic, view: View, chance: Chance) -> Socratic:
    """A world with another student who could have said all this. Bugs are settled one after the other, since what is
    understood of one tells of later ones alone.
    """
    twin, exchanges = copy.copy(world), world.exchanges(view.messages)
    ladders: dict[str, tuple[int, ...]] = {}
    for bug in world._bugs:
        tried = [ladder for ladder in LADDERS if _fits(world, {**ladders, bug.line: ladder}, bug.line, exchanges)]
        ladders[bug.line] = _drawn(tried or LADDERS, chance)
    student = _student(world, ladders)
    twin._standing = followed(student, exchanges)
    twin._person = replace(student, knobs=world.knobs)
    twin._chance, twin._begin, twin._heard = chance, twin._standing, ()
    twin._task = Task("imagined", world.name, {"ladders": {line: list(ladder) for line, ladder in ladders.items()}})
    return twin


def _drawn(ladders: Sequence[tuple[int, ...]], chance: Chance) -> tuple[int, ...]:
    """One of them, by its weight."""
    weights = [2.0 ** -len(ladder) for ladder in ladders]
    point = chance.uniform("imagined ladder") * sum(weights)
    for ladder, weight in zip(ladders, weights, strict=True):
        point -= weight
        if point < 0:
            return ladder
    return ladders[-1]


def _student(world: Socratic, ladders: dict[str, tuple[int, ...]]) -> Learner:
    """At rest."""
    voice = world.people[world.user].voice
    return debugging(world._program, ladders, voice, AT_REST, world.user == "scattered")


def _fits(world: Socratic, ladders: dict[str, tuple[int, ...]], line: str, exchanges: Sequence[Exchange]) -> bool:
    """Whether a student with these ladders answers each question about a line as it was answered."""
    student = _student(world, ladders)
    standing = student.begin()
    for exchange in exchanges[1:]:
        reply = student.reply(standing, exchange.act, Draws(0, 0))
        about = exchange.act is not None and exchange.act.about == line and exchange.act.kind != "tell"
        if about and not _agree(exchange, reply.acts):
            return False
        standing = _told(reply.standing, standing, exchange)
    return True


def followed(student: Learner, exchanges: Sequence[Exchange]) -> Standing:
    """Where the conversation stands with a student who said what was said."""
    standing = student.begin()
    for exchange in exchanges[1:]:
        standing = _told(student.reply(standing, exchange.act, Draws(0, 0)).standing, standing, exchange)
    return standing


def _told(after: Standing, before: Standing, exchange: Exchange) -> Standing:
    """A standing with what was really said."""
    said = {act.about: after.facts.get(act.about, act.value) for act in exchange.answer if act.kind == "inform"}
    return replace(after, told={**before.told, **said})


def _agree(exchange: Exchange, would: tuple) -> bool:
    """Whether what was said is what this student would say, or what a knob makes of it."""
    seen = [(act.kind, act.about, act.value) for act in exchange.answer]
    if not seen or seen[0][0] in ("vague", "refuse", "inform"):
        return bool(would[0].kind == "inform")
    return seen[0] == (would[0].kind, would[0].about, would[0].value)
