"""Whose fault a failed conversation is: agent, user, world or limit.

The person's own rules are played again over what it heard, once as it was and once as it would be at its best. The
first that applies:

    world   something broke
    user    when it ended, something that the agent had asked for was still held back, or told wrongly, or had changed
    agent   it ended the conversation wrongly itself, or wasted turns that a person at its best would have answered
    user    turns went by because it held back or was vague
    limit   every turn was of use, and there were too few
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.users.person import Person, Reply, Standing

Culprit = Literal["agent", "user", "world", "limit"]
CULPRITS: tuple[Culprit, ...] = ("agent", "user", "world", "limit")
HELD_BACK = ("withheld", "vague")
"""Events of a turn in which the agent did not get what it asked for."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One turn of the agent, as the person took it."""

    act: DialogueAct | None
    draws: Draws
    useful: bool = False  # as the world judged it


def replies(person: Person, begin: Standing, heard: Sequence[Heard]) -> list[Reply]:
    """What the person did, turn by turn: the same acts, draws and rules give the same replies again."""
    standing, found = begin, list[Reply]()
    for turn in heard:
        found.append(person.reply(standing, turn.act, turn.draws, turn.useful))
        standing = found[-1].standing
    return found


def at_its_best(person: Person) -> Person:
    """The same person without mistakes, changes of mind, refusals of what it may tell, and vague answers."""
    return replace(person, knobs=replace(person.knobs, error=0.0, changing=0.0, withholding=0.0, vagueness=0.0))


def culprit(person: Person, begin: Standing, heard: Sequence[Heard], cut: bool) -> Culprit:
    """Of a conversation that failed.

    Args:
        begin: where it stood before the agent's first turn.
        cut: whether turns ran out, or the person left; else the agent ended it.
    """
    given, best = replies(person, begin, heard), replies(at_its_best(person), begin, heard)
    last = given[-1].standing if given else begin
    events = [event for reply in given for event in reply.events]
    wrong = any(last.facts.get(fact, value) != value for fact, value in last.told.items())
    held_back = any(what in HELD_BACK and fact not in last.told for what, fact in events)
    if wrong or held_back:
        return "user"
    if not cut or (best and best[-1].standing.wasted):
        return "agent"
    return "user" if any(what in HELD_BACK for what, _ in events) else "limit"
