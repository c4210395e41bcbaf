"""`turnwise worlds`: what there is to act in."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from turnwise.cli.command import command
from turnwise.cli.out import Out

if TYPE_CHECKING:
    from turnwise.worlds.base import World


@command("turnwise worlds", "turnwise worlds wordle")
@click.argument("name", required=False)
def worlds(out: Out, name: str | None) -> None:
    """List the worlds, or show one with its settings."""
    from turnwise.worlds import WORLDS, make

    if name is None:
        show_all(out, {name: WORLDS.get(name) for name in WORLDS})
    else:
        show_one(out, WORLDS.get(name), make(name))


def show_all(out: Out, kinds: dict[str, type[World]]) -> None:
    """A table."""
    from turnwise.cli.numbers import plain_table

    table = plain_table("world", "what it is", "scripted players")
    for name, kind in kinds.items():
        table.add_row(f"[bold]{name}[/]", kind.title, ", ".join(kind.experts))
    out.say(table, "")
    document = [{"name": n, "title": kind.title, "experts": list(kind.experts)} for n, kind in kinds.items()]
    out.finish({"worlds": document}, ["turnwise worlds wordle", "turnwise play wordle", "turnwise train wordle"])


def show_one(out: Out, kind: type[World], world: World) -> None:
    """Everything about one."""
    from turnwise.cli.docstrings import description
    from turnwise.cli.numbers import plain_table

    settings = settings_of(kind)
    tasks = {split: len(world.tasks(split)) for split in ("train", "eval")}
    out.say(f"[bold]{world.name}[/]: {world.title}", "")
    if not out.as_json:
        out.console.print(description(kind), markup=False)
    facts = plain_table("", "")
    facts.show_header = False
    facts.add_row("tasks", f"{tasks['train']} to train on, {tasks['eval']} to evaluate on")
    facts.add_row("turns", f"at most {world.turns}")
    facts.add_row("seats", ", ".join(world.seats))
    facts.add_row("scripted players", ", ".join(f"script:{e}" for e in world.experts))
    facts.add_row("imitated", world.demonstrator)
    if world.anchors:
        facts.add_row("published returns", ", ".join(f"{k} {v:g}" for k, v in world.anchors.items()))
    table = plain_table("setting", "default", "what it does")
    for entry in settings:
        table.add_row(entry["name"], repr(entry["default"]), entry["says"])
    out.say("", facts, "", table, "")
    player = f"turnwise play {world.name} --agent script:{world.demonstrator}"
    moves = [f"turnwise play {world.name}", *([player] if world.demonstrator else []), f"turnwise train {world.name}"]
    if settings:
        first = settings[0]
        moves[-1] += f" --set world.{first['name']}={first['default']}"
    document: dict[str, Any] = {
        "name": world.name,
        "title": world.title,
        "description": description(kind),
        "tasks": tasks,
        "turns": world.turns,
        "seats": list(world.seats),
        "experts": list(world.experts),
        "demonstrator": world.demonstrator,
        "anchors": dict(world.anchors),
        "settings": settings,
        "hash": world.hash(),
    }
    out.finish(document, moves)


def settings_of(kind: type[World]) -> list[dict[str, Any]]:
    """Name, default and sentence of every setting."""
    from turnwise.cli.docstrings import arguments

    says = arguments(kind)
    parameters = inspect.signature(kind).parameters.values()
    return [{"name": p.name, "default": p.default, "says": says.get(p.name, "")} for p in parameters]
