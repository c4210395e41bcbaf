"""`turnwise bench lmrl`: the baselines of LMRL-Gym on small forms of its games, beside the published table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from turnwise.cli.command import command
from turnwise.cli.out import Out

STOPPED = 130
MADE_OF_EVIDENCE = [
    "python -m turnwise.bench.lmrl.document > docs/LMRL.md",
    "python -m turnwise.bench.lmrl.picture docs/lmrl.svg",
]


@command(
    "turnwise bench lmrl", "turnwise bench lmrl --game maze --seeds 5", "turnwise bench lmrl --out runs/lmrl --store"
)
@click.option("--game", "games", metavar="NAME", multiple=True, help="Several; default: all three.")
@click.option("--seeds", type=click.IntRange(min=2), help="Runs of each method.  [default: as each game says]")
@click.option("--out", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Where the runs lie; those that "
              "are there are used again.  [default: runs/lmrl]")  # fmt: skip
@click.option("--store", "keep", is_flag=True, help="Keep the figures as the evidence that docs/LMRL.md shows.")
def lmrl(out: Out, games: tuple[str, ...], seeds: int | None, folder: Path | None, keep: bool) -> int:
    """Cloning, filtered cloning, Monte-Carlo returns, ILQL, PPO and online filtered cloning on Wordle and two mazes.

    Scores are normalised (0 the worst, 50 the data, 100 the best) and stand beside the published ones.
    """
    import sys

    from turnwise.bench.lmrl.evidence import PLACE
    from turnwise.bench.lmrl.picture import picture
    from turnwise.bench.lmrl.run import GAMES, RUNS, bench_lmrl, store
    from turnwise.cli.progress import Display

    display, folder = Display(out.aside), folder or RUNS

    def watch(label: str) -> Any:
        display.begin(label)
        return display

    words = ["turnwise", *sys.argv[1:]]
    with display.watching():
        found = bench_lmrl(games or tuple(GAMES), seeds, out=folder, watch=watch, command=words)
    if found is None:
        out.note("stopped after a whole round; what is there is used again")
        out.finish({"complete": False}, [" ".join(words)])
        return STOPPED
    for name, one in found["games"].items():
        show(out, name, one)
    (folder / "lmrl.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    drawn = picture(found, folder / "lmrl.svg")
    if keep:
        out.say(f"evidence: {store(found, PLACE)}")
    out.finish({"complete": True, **found}, MADE_OF_EVIDENCE if keep else [f"open {drawn}"])
    return 0


def show(out: Out, name: str, one: dict[str, Any]) -> None:
    """A game: its methods, how well the order agrees, and which pairs were told apart."""
    from turnwise.bench.lmrl.games import GAMES, METHODS
    from turnwise.cli.numbers import plain_table

    published = dict(zip(METHODS, GAMES[name].published.scores, strict=True))
    right = ["return", "score", "published"]
    table = plain_table("", *right, right=right)
    for method, figures in one["methods"].items():
        table.add_row(method, span(figures["return"], 2), span(figures["score"], 0), f"{published[method]:.1f}")
    anchors = one["anchors"]
    out.say(
        f"[bold]{one['title']}[/] [dim]({one['smaller']}; {len(one['seeds'])} seeds; 0 = {anchors['worst']:g}, "
        f"50 = {anchors['data'][0]:.2f}, 100 = {anchors['best'][0]:.2f})[/]",
        table,
    )
    agreed = one["agreement"]
    out.say(
        *(f"{n} with the published order {span([a['value'], a['low'], a['high']], 2)}, one-sided p={a['p']:.2g}"
          for n, a in agreed.items())
    )  # fmt: skip
    apart = [f"{p['above']} above {p['b'] if p['above'] == p['a'] else p['a']}" for p in one["pairs"] if p["above"]]
    out.say(f"told apart: {', '.join(apart) or 'none'}", "")


def span(figure: list[float | None], digits: int) -> str:
    """A value and its interval."""
    value, low, high = figure
    if value is None or low is None or high is None:
        return "-" if value is None else f"{value:.{digits}f}"
    return f"{value:.{digits}f} [dim][{low:.{digits}f}, {high:.{digits}f}][/]"
