"""`turnwise bench budget`: what asking again, and more acts, buy at test time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from turnwise.cli.command import command, seed_option
from turnwise.cli.out import Out


@command(
    "turnwise bench budget",
    "turnwise bench budget script:hasty run:runs/search --decoys 0.6 --steps 40",
    "turnwise bench budget --store --out runs/budget",
)
@click.argument("agents", nargs=-1)
@click.option("--decoys", type=click.FloatRange(0, 1), multiple=True, help="Several; default: 0, .3 and .6.")
@click.option("--attempts", "asked", type=click.IntRange(min=1), multiple=True, help="Answers; default: 1 to 4.")
@click.option("--steps", type=click.IntRange(1, 40), multiple=True, help="Most acts; default: 10, 20, 30 and 40.")
@click.option("--episodes", type=click.IntRange(min=1), default=192, show_default=True, help="With each budget.")
@click.option("--out", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Write budget.json and .svg.")
@click.option("--store", "keep", is_flag=True, help="Keep the figures beside the code.")
@seed_option(0, "Of all draws.")
def budget(out: Out, folder: Path | None, keep: bool, **given: Any) -> None:
    """Accuracy against acts and tokens, over answers asked for and acts allowed, in search-rooms.

    AGENTS are script:NAME, run:DIR and so on; by default script:hasty, script:wavering and script:thorough. An answer
    before the last one that is asked for is held back, and the agent is told to check again.
    """
    from turnwise.bench.budget import bench_budget, store

    with out.working("budgets") as status:

        def watch(what: str, share: float) -> None:
            if status is not None:
                status.update(f"{what}: {share:.0%}")

        found = bench_budget(**{name: value for name, value in given.items() if value != ()}, watch=watch)
    for agent in dict.fromkeys(cell["agent"] for cell in found["cells"]):
        for rate in dict.fromkeys(cell["decoys"] for cell in found["cells"]):
            mine = [cell for cell in found["cells"] if (cell["agent"], cell["decoys"]) == (agent, rate)]
            out.say(f"[bold]{agent}[/], decoys {rate:g}", table_of(mine), "")
    out.say("[dim]lost, mended: right to wrong, wrong to right, per 100 answers; accepted: last answer taken before "
            "the cap; tokens: words where no model of ours speaks[/]")  # fmt: skip
    if keep:
        out.say(f"evidence: {store(found)}")
    drawn = written(found, folder) if folder is not None else []
    out.finish(found, [f"open {path}" for path in drawn] or ["turnwise bench budget --out runs/budget"])


def table_of(cells: Sequence[dict[str, Any]]) -> Any:
    """A row per budget."""
    from turnwise.cli.numbers import plain_table

    heads = ("acts", "answers", "accuracy", "accepted", "lost", "mended", "mean acts", "tokens")
    table = plain_table(*heads, right=heads)
    table.columns[2].no_wrap = True
    for cell in cells:
        value, low, high = cell["success"]
        ends = "" if low is None else f" [dim][{low:.2f}, {high:.2f}][/]"
        others = [figure(cell[name][0], places) for name, places in PLACES.items()]
        table.add_row(str(cell["steps"]), str(cell["attempts"]), f"{value:.2f}{ends}", *others)
    return table


PLACES = {"accepted": 2, "lost": 1, "mended": 1, "actions": 1, "tokens": 0}
"""Figures of a row, and to how many places."""


def figure(value: float | None, places: int) -> str:
    """A number, where there is one."""
    return "-" if value is None else f"{value:.{places}f}"


def written(found: dict[str, Any], folder: Path) -> list[Path]:
    """The document and the picture."""
    from turnwise.bench.budget import store
    from turnwise.bench.budget_picture import picture

    folder.mkdir(parents=True, exist_ok=True)
    return [store(found, folder / "budget.json"), picture(found, folder / "budget.svg")]
