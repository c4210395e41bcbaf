"""`turnwise bench horizon`: how many episodes ways to learn need as tasks grow longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from turnwise.cli.command import command, seed_option
from turnwise.cli.out import Out


@command(
    "turnwise bench horizon",
    "turnwise bench horizon --turns 8 --turns 16 --arm archer --arm rloo",
    "turnwise bench horizon --out runs/horizon",
)
@click.option("--turns", "horizons", type=click.IntRange(min=4), multiple=True, help="Several; default: 4 to 64.")
@click.option("--arm", "arms", metavar="NAME", multiple=True, help="Only these. Several; default: all.")
@click.option("--seeds", type=click.IntRange(min=2), default=10, show_default=True, help="Runs of each arm.")
@click.option("--updates", type=click.IntRange(min=1), default=256, show_default=True, help="After which to give up.")
@click.option("--out", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Write horizon.json and .svg.")
@seed_option(0, "Of all draws.")
def horizon(out: Out, folder: Path | None, horizons: tuple[int, ...], **given: Any) -> None:
    """Episodes to 80% of the best return: ArCHer, PPO, RLOO, GRPO, REINFORCE on tables, in ever longer corridors."""
    from turnwise.bench.credit.horizon import HORIZONS, bench_horizon, in_words, times_in_words

    with out.working("corridors of growing length") as status:

        def watch(what: str, share: float) -> None:
            if status is not None:
                status.update(f"{what}: {share:.0%}")

        found = bench_horizon(horizons or HORIZONS, watch=watch, **given)
    for corridor, tables in found["corridors"].items():
        out.say(f"[bold]{corridor}[/]: episodes [dim](median of {found['seeds']} runs, 95% interval)[/]")
        out.say(table_of(tables, in_words), "")
        if all("factor" in one for table in tables.values() for one in table.values()):
            out.say(f"[bold]{corridor}[/]: times ArCHer's episodes [dim](>: most runs were given up)[/]")
            out.say(table_of(tables, times_in_words), "")
    next_moves = ["turnwise bench horizon --out runs/horizon"]
    if folder is not None:
        next_moves = [f"open {path}" for path in written(found, folder)]
    out.finish(found, next_moves)


def table_of(tables: Mapping[str, Any], cell: Callable[[dict[str, Any]], str]) -> Any:
    """Arms by turns."""
    from turnwise.cli.numbers import plain_table

    names = list(dict.fromkeys(name for table in tables.values() for name in table))
    heads = [f"{turns} turns" for turns in tables]
    table = plain_table("arm", *heads, right=heads)
    table.columns[0].no_wrap = True
    for name in names:
        table.add_row(name, *(cell(one[name]) for one in tables.values()))
    return table


def written(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """The document and the picture."""
    from turnwise.bench.credit.evidence import lines
    from turnwise.bench.credit.horizon_picture import picture

    folder.mkdir(parents=True, exist_ok=True)
    document = folder / "horizon.json"
    document.write_text(lines(found) + "\n")
    return [document, picture(found, folder / "horizon.svg")]
