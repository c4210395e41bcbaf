"""`turnwise users`: whom there is to talk to."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from turnwise.cli.command import command
from turnwise.cli.out import Out

if TYPE_CHECKING:
    from turnwise.worlds.conversation import Conversation


@command("turnwise users", "turnwise users recommend")
@click.argument("world", required=False)
def users(out: Out, world: str | None) -> None:
    """List the simulated people, or show those of one world.

    With the rule by which each tells what it hides, and the knobs.
    """
    from turnwise.core.errors import UnknownName
    from turnwise.worlds import WORLDS
    from turnwise.worlds.conversation import Conversation

    kinds = {name: WORLDS.get(name) for name in WORLDS}
    peopled = {name: kind for name, kind in kinds.items() if issubclass(kind, Conversation)}
    if world is None:
        show_all(out, peopled)
    elif world in peopled:
        show_one(out, peopled[world])
    else:
        raise UnknownName("world with simulated people", world, peopled, "turnwise users lists them")


def show_all(out: Out, kinds: dict[str, type[Conversation]]) -> None:
    """A table."""
    from turnwise.cli.numbers import plain_table

    table = plain_table("world", "user", "tells what it hides by", "who it is")
    for name, kind in kinds.items():
        for place, (user, who) in enumerate(kind.people.items()):
            table.add_row("" if place else f"[bold]{name}[/]", user, who.rule, who.title)
    out.say(table, "")
    document = {name: {u: described(who) for u, who in kind.people.items()} for name, kind in kinds.items()}
    first = next(iter(kinds))
    out.finish({"users": document}, [f"turnwise users {first}", f"turnwise play {first}"])


def show_one(out: Out, kind: type[Conversation]) -> None:
    """The people of one world, what they sound like, and what makes them harder to talk to."""
    from turnwise.cli.docstrings import arguments
    from turnwise.cli.numbers import plain_table
    from turnwise.users.knobs import Knobs

    table = plain_table("user", "tells what it hides by", "who it is", "answers like")
    for user, who in kind.people.items():
        table.add_row(f"[bold]{user}[/]", who.rule, who.title, sample(kind, user))
    says = arguments(Knobs)
    knobs: list[dict[str, Any]] = [
        {"name": f.name, "default": f.default, "says": says.get(f.name, "")} for f in dataclasses.fields(Knobs)
    ]
    turned = plain_table("knob", "default", "what it does")
    for knob in knobs:
        turned.add_row(knob["name"], repr(knob["default"]), knob["says"])
    out.say(f"[bold]{kind.name}[/]: {kind.title}", "", table, "", turned, "")
    other = list(kind.people)[-1]
    document = {
        "world": kind.name,
        "users": {u: described(who) | {"answers": sample(kind, u)} for u, who in kind.people.items()},
        "knobs": knobs,
    }
    moves = [
        f"turnwise play {kind.name} --set user={other}",
        f"turnwise evaluate script:{kind.demonstrator} {kind.name} --set user={other} --set withholding=0.2",
    ]
    out.finish(document, moves)


def described(who: Any) -> dict[str, str]:
    """JSON values."""
    return {"rule": who.rule, "title": who.title}


def sample(kind: type[Conversation], user: str) -> str:
    """How a person tells the first of its facts."""
    from turnwise.users.acts import DialogueAct
    from turnwise.users.draws import Draws
    from turnwise.worlds import make

    world: Any = make(kind.name, user=user)
    person = world.person(world.tasks("train")[0])
    fact, value = next(iter(person.facts.items()))
    return person.voice.say((DialogueAct("inform", fact, str(value)),), Draws(0, 1))
