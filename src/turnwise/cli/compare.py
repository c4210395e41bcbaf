"""`turnwise compare`: recipes over seeds, paired, and no order claimed inside the noise."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turnwise.api.defaults import MODEL
from turnwise.cli.command import command
from turnwise.cli.out import Out
from turnwise.cli.settings import parse, set_option

if TYPE_CHECKING:
    from turnwise.api.comparison import Comparison, Verdict


MOST_SEEDS = 20  # more are not suggested
WORDS = {"calls": "world calls", "seconds": "seconds"}


@command(
    "turnwise compare maze --recipes bc,filtered-bc,script:optimal --seeds 5",
    "turnwise compare wordle --recipes ppo,turn-ppo --seeds 3 --set rounds=20 --set ppo.lam=0.9",
)
@click.argument("world")
@click.option("--recipes", required=True, metavar="A,B,...", help="Recipes; agents such as script:NAME as references.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each recipe.")
@click.option("--model", metavar="SPEC", default=MODEL, show_default=True, help="scratch:SIZE or hf:DIR.")
@set_option("A setting of all recipes, RECIPE.NAME for one, world.NAME for the world.")
@click.option(
    "--by", type=click.Choice(["success", "return"]), default="success", show_default=True, help="What counts."
)
@click.option("--out", "folder", type=click.Path(path_type=Path), help="Where the runs lie.  [default: below runs/]")
def compare(out: Out, **options: Any) -> int:
    """Train several recipes with several seeds, and compare them.

    They are evaluated on the same tasks with the same draws. Runs that are there already are used
    again; one that was stopped is gone on with.
    """
    import sys

    from turnwise.api.comparing import compare as run_comparison
    from turnwise.cli.progress import Display

    settings, world_settings = parse(options["sets"])
    names = [name.strip() for name in options["recipes"].split(",") if name.strip()]
    display = Display(out.aside)

    def watch(label: str) -> Any:
        display.begin(label)
        return display

    with display.watching():
        found = run_comparison(
            options["world"],
            names,
            options["seeds"],
            model=options["model"],
            settings=settings,
            world_settings=world_settings,
            by=options["by"],
            out=options["folder"],
            watch=watch,
            command=["turnwise", *sys.argv[1:]],
        )
    if not found.complete:
        out.note("stopped after a whole round; what is there is used again")
        out.finish(found.as_json(), [f"{the_same(options, found.out)} --seeds {options['seeds']}"])
        return 130
    if not out.as_json:
        show(out, found)
    out.finish(found.as_json(), next_moves(found, the_same(options, found.out)))
    return 0


def next_moves(found: Comparison, again: str) -> list[str]:
    """More seeds where some would decide something, and a look at the runs."""
    more = [v.seeds_needed for v in found.verdicts if v.above is None and v.seeds_needed]
    wanted = max(min(more), len(found.seeds) + 1) if more else 3 if len(found.seeds) < 3 else None
    moves = [f"{again} --seeds {wanted}"] if wanted and wanted <= MOST_SEEDS else []
    runs = [arm.runs[0].path for arm in found.arms if arm.runs]
    return [*moves, *(f"turnwise report {path} --open" for path in runs[:2])]


def the_same(options: dict[str, Any], folder: Path) -> str:
    """This command without its number of seeds."""
    words = ["turnwise", "compare", options["world"], "--recipes", options["recipes"], "--out", str(folder)]
    words += ["--model", options["model"]] if options["model"] != MODEL else []
    words += ["--by", options["by"]] if options["by"] != "success" else []
    for text in options["sets"]:
        words += ["--set", text]
    return shlex.join(words)


def show(out: Out, found: Comparison) -> None:
    """The arms with their cost, then what can be said about each pair."""
    from turnwise.cli.numbers import plain_table, value

    seeds = len(found.seeds)
    spent = {
        "demonstrations": "demonstrations",
        "own episodes": "episodes",
        "world calls": "calls",
        "seconds": "seconds",
    }
    table = plain_table("rank", "", found.by, *spent, right=["rank", *spent])
    for arm in sorted(found.arms, key=lambda arm: (found.ranks[arm.name], arm.name)):
        best, worst = found.ranks[arm.name]
        cost = [f"{arm.cost[k]:,.0f}" if arm.cost else "-" for k in spent.values()]
        rank = str(best) if best == worst else f"{best}-{worst}"
        table.add_row(rank, arm.name, value(found.estimate(arm)), *cost)
    out.say(table)
    tasks = len({task for task, _ in {(t, e.seed) for a in found.arms for e in a.evaluations for t in e.tasks}})
    out.say(f"[dim]{tasks} tasks, {seeds} seed{'s' * (seeds != 1)}; 95% intervals clustered by task; cost per run[/]")
    if not found.equal_cost:
        out.say("[yellow]not at equal cost: the recipes saw different numbers of episodes[/]")
    show_curves(out, found)
    out.say("")
    for verdict in found.verdicts:
        out.say(*sentences(verdict, seeds))
    if seeds == 1:
        out.say("[dim]one seed: this compares these agents; other seeds would train others[/]")


def show_curves(out: Out, found: Comparison) -> None:
    """How the recipes stood at the most that all have spent, and where the picture lies."""
    from turnwise.measure.curves import COSTS, equal

    if len(found.curves) > 1:
        for cost in COSTS:
            most, stood = equal(found.curves, cost)
            told = ", ".join(f"{name} {score:.2f}" for name, score in stood.items())
            out.say(f"[dim]learning, after {most:,.0f} {WORDS[cost]}: {told}[/]")
    picture = found.picture()
    if picture:
        out.say(f"curves: {picture}")


def sentences(verdict: Verdict, seeds: int) -> list[str]:
    """What can be said about a pair."""
    from turnwise.cli.numbers import difference

    pair = verdict.pair
    lines = [f"[bold]{pair.a} - {pair.b}[/]", f"  over tasks  {difference(pair.difference, pair.p_holm)}"]
    if seeds > 1:
        over = difference(verdict.seeds, verdict.seeds_p).replace("task", "seed")  # a seed is what a task is there
        lines.append(f"  over seeds  {over}")
    return [*lines, f"  {judgement(verdict, seeds)}"]


def judgement(verdict: Verdict, seeds: int) -> str:
    """Who is above, or what would decide it."""
    pair = verdict.pair
    if verdict.above:
        return f"[green]{verdict.above} is above[/]" + (" (by way of a third)" if pair.implied else "")
    if pair.above:
        need = f"; about {verdict.seeds_needed} seeds would decide it" if verdict.seeds_needed else ""
        return f"[yellow]not decided[/]: {pair.above} did better in these {seeds} runs, other seeds may not{need}"
    if pair.episodes_needed is None:
        return "[yellow]not decided[/]: no difference was seen"
    return (
        f"[yellow]not decided[/]: inside the noise; about {pair.tasks_needed} tasks ({pair.episodes_needed} episodes)"
        " would decide it"
    )
