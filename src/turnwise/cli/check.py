"""`turnwise check`: run the trial of a claim, and say whether it held."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turnwise.cli.command import command
from turnwise.cli.out import Out
from turnwise.core.errors import TurnwiseError

if TYPE_CHECKING:
    from turnwise.api.checking import Checked


@command("turnwise check turn-ppo", "turnwise check filtered-bc --seeds 5 --out runs/check")
@click.argument("recipe", required=False)
@click.option("--all", "everything", is_flag=True, help="Every recipe, one after the other.")
@click.option("--seeds", type=click.IntRange(min=1), help="Runs of each arm.  [default: as the trial says]")
@click.option("--out", "folder", type=click.Path(path_type=Path), help="Where the runs lie.  [default: below runs/]")
@click.option("--store", is_flag=True, help="Keep what was found as the evidence that METHODS.md shows.")
def check(out: Out, recipe: str | None, everything: bool, seeds: int | None, folder: Path | None, store: bool) -> int:
    """Find out whether a method does what it claims.

    Its trial is run over seeds, beside its baseline and paired with it.

    Runs that are there already are used again; one that was stopped is gone on with.
    """
    import sys

    from turnwise.api.checking import check as run_check
    from turnwise.cli.progress import Display

    display, found = Display(out.aside), list[Any]()

    def watch(label: str) -> Any:
        display.begin(label)
        return display

    for name in wanted(recipe, everything):
        place = folder / name if folder and everything else folder
        with display.watching():
            one = run_check(name, seeds, out=place, watch=watch, command=["turnwise", *sys.argv[1:]])
        if one is None:
            out.note("stopped after a whole round; what is there is used again")
            out.finish({"checks": [c.as_json() for c in found]}, [" ".join(["turnwise", *sys.argv[1:]])])
            return 130
        found.append(one)
        show(out, one)
        if store:
            out.say(f"evidence: {one.store()}")
    document = {"checks": [{"recipe": c.recipe.name, **c.as_json()} for c in found]}
    out.finish(document, next_moves(found, store))
    return 0 if all(c.held for c in found) else 1


def wanted(recipe: str | None, everything: bool) -> list[str]:
    """Whose claims to check.

    Raises:
        TurnwiseError: neither a recipe nor all of them, or both.
    """
    from turnwise.recipes import RECIPES

    if everything == (recipe is not None):
        raise TurnwiseError(
            f"{recipe} and --all" if recipe else "no recipe to check",
            "the name of one recipe, or --all",
            f"turnwise check {recipe or 'turn-ppo'}",
        )
    return list(RECIPES) if recipe is None else [RECIPES.get(recipe).name]


def show(out: Out, found: Checked) -> None:
    """The claim, every seed, and the verdict."""
    from turnwise.cli.numbers import plain_table

    out.say("", f"[bold]{found.recipe.name}[/]: {found.recipe.claim.says}", "")
    for rival in found.rivals:
        table = plain_table("seed", rival.name, found.recipe.name, "paired difference", right=["seed"])
        for row in found.by_seed(rival):
            cells = [f"{row[arm]['value']:.2f} [{row[arm]['low']:.2f}, {row[arm]['high']:.2f}]" for arm in ARMS]
            gain = row["difference"]
            span = "" if gain["low"] is None else f" [{gain['low']:+.2f}, {gain['high']:+.2f}], p={gain['p']:.2g}"
            table.add_row(str(row["seed"]), *cells, f"{gain['difference']:+.2f}{span}")
        out.say(table, "")
    verdict = "[green]held[/]" if found.held else "[red]did not hold[/]"
    out.say(f"{verdict}: {found.summary}")


ARMS = ("baseline", "recipe")


def next_moves(found: list[Checked], stored: bool) -> list[str]:
    """Look at a run of what did not hold; else keep the evidence."""
    failed = [run.path for c in found if not c.held for arm in c.comparison.arms for run in arm.runs]
    moves = [f"turnwise report {path} --open" for path in failed[:2]]
    if stored:
        return [*moves, "python -m turnwise.recipes.methods > docs/METHODS.md"]
    return [*moves, f"turnwise check {found[0].recipe.name} --store"] if found else moves
