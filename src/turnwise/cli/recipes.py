"""`turnwise recipes`: what there is to teach with."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from turnwise.cli.command import command
from turnwise.cli.out import Out

if TYPE_CHECKING:
    from turnwise.recipes.base import Recipe


@command("turnwise recipes", "turnwise recipes turn-ppo")
@click.argument("name", required=False)
def recipes(out: Out, name: str | None) -> None:
    """List the recipes, or show one with its settings and its claim."""
    from turnwise.recipes import RECIPES

    if name is None:
        show_all(out, [RECIPES.get(name) for name in RECIPES])
    else:
        show_one(out, RECIPES.get(name))


def show_all(out: Out, found: list[Recipe]) -> None:
    """A table."""
    from turnwise.cli.numbers import plain_table
    from turnwise.recipes.methods import evidence

    table = plain_table("recipe", "what it is", "claim held")
    for recipe in found:
        table.add_row(f"[bold]{recipe.name}[/]", recipe.title, held(evidence(recipe.name)))
    out.say(table, "")
    document = [{"name": r.name, "title": r.title, "source": r.source, "evidence": evidence(r.name)} for r in found]
    out.finish({"recipes": document}, ["turnwise recipes turn-ppo", "turnwise train --recipe turn-ppo"])


def show_one(out: Out, recipe: Recipe) -> None:
    """Everything about one."""
    from turnwise.cli.numbers import plain_table
    from turnwise.recipes.base import table_of
    from turnwise.recipes.methods import evidence

    rows = table_of(recipe.settings, recipe.changes)
    last = evidence(recipe.name)
    out.say(f"[bold]{recipe.name}[/]: {recipe.title}", f"[dim]{recipe.source}[/]", "")
    claim = recipe.claim
    facts = plain_table("", "")
    facts.show_header = False
    facts.add_row("claim", claim.says)
    facts.add_row("against", claim.against)
    facts.add_row("shown by", f"turnwise check {recipe.name}")
    facts.add_row("held", held(last) + (f": {last['summary']}" if last and "summary" in last else ""))
    table = plain_table("setting", "default", "what it does", "source of the default")
    for name, default, says, source in rows:
        table.add_row(name, repr(default), says, source)
    out.say(facts, "", table, "")
    first = rows[0]
    document = {
        "name": recipe.name,
        "title": recipe.title,
        "source": recipe.source,
        "claim": {"says": claim.says, "against": claim.against, "trial": dataclasses.asdict(claim.trial)},
        "evidence": last,
        "settings": [{"name": n, "default": d, "says": s, "source": o} for n, d, s, o in rows],
    }
    out.finish(
        document,
        [f"turnwise train --recipe {recipe.name} --set {first[0]}={first[1]}", f"turnwise check {recipe.name}"],
    )


def held(found: dict[str, Any] | None) -> str:
    """Whether the claim held when it was last checked."""
    if found is None or found.get("held") is None:
        return "not checked yet"
    return "[green]yes[/]" if found["held"] else "[red]no[/]"
