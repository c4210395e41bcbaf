"""`turnwise compare`: recipes over seeds, paired, and no order claimed inside the noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turnwise.cli.command import command
from turnwise.cli.out import Out
from turnwise.cli.settings import parse, set_option

if TYPE_CHECKING:
    from turnwise.api.comparison import Comparison, Verdict


@command(
    "turnwise compare maze --recipes bc,filtered-bc,script:optimal --seeds 5",
    "turnwise compare wordle --recipes ppo,turn-ppo --seeds 3 --set rounds=20 --set ppo.lam=0.9",
)
@click.argument("world")
@click.option("--recipes", required=True, metavar="A,B,...", help="Recipes; agents such as script:NAME as references.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each recipe.")
@click.option("--model", metavar="SPEC", help="scratch:nano, micro or small; or hf:DIR.  [default: scratch:micro]")
@set_option("A setting of all recipes, RECIPE.NAME for one, world.NAME for the world.")
@click.option(
    "--by", type=click.Choice(["success", "return"]), default="success", show_default=True, help="What counts."
)
@click.option("--out", "folder", type=click.Path(path_type=Path), help="Where the runs lie.  [default: below runs/]")
def compare(
    out: Out,
    world: str,
    recipes: str,
    seeds: int,
    model: str | None,
    sets: tuple[str, ...],
    by: str,
    folder: Path | None,
) -> int:
    """Train several recipes with several seeds, and compare them.

    They are evaluated on the same tasks with the same draws. Runs that are there already are used again; one that was stopped is gone on with.
    """
    import sys

    from turnwise.api.comparing import compare as run_comparison
    from turnwise.api.specs import MODEL
    from turnwise.cli.progress import Display

    settings, world_settings = parse(sets)
    display = Display(out.aside)

    def watch(label: str) -> Any:
        display.begin(label)
        return display

    with display.watching():
        found = run_comparison(
            world, [name.strip() for name in recipes.split(",") if name.strip()], seeds, model=model or MODEL,
            settings=settings, world_settings=world_settings, by=by, out=folder, watch=watch,
            command=["turnwise", *sys.argv[1:]],
        )  # fmt: skip
    if not found.complete:
        out.note("stopped after a whole round; the same command goes on")
        out.finish(found.as_json(), ["the same command, which uses what is there"])
        return 130
    if not out.as_json:
        show(out, found)
    out.finish(found.as_json(), next_moves(found, world, recipes))
    return 0


def next_moves(found: Comparison, world: str, recipes: str) -> list[str]:
    """More seeds where they would decide something, and a look at a run."""
    more = [v.seeds_needed for v in found.verdicts if v.above is None and v.seeds_needed]
    wanted = max(min(more), len(found.seeds) + 1) if more else 3 if len(found.seeds) < 3 else None
    moves = [f"turnwise compare {world} --recipes {recipes} --seeds {wanted} --out {found.out}"] if wanted else []
    runs = [arm.runs[0].path for arm in found.arms if arm.runs]
    return [*moves, *(f"turnwise report {path} --open" for path in runs[:2])]


def show(out: Out, found: Comparison) -> None:
    """The arms with their cost, then what can be said about each pair."""
    from turnwise.cli.numbers import plain_table, value

    seeds = len(found.seeds)
    table = plain_table("rank", "", found.by, "demonstrations", "own episodes", "seconds", right=[
        "rank", "demonstrations", "own episodes", "seconds"])  # fmt: skip
    for arm in sorted(found.arms, key=lambda arm: (found.ranks[arm.name], arm.name)):
        best, worst = found.ranks[arm.name]
        cost = [f"{arm.cost[k]:,.0f}" for k in ("demonstrations", "episodes", "seconds")] if arm.cost else ["-"] * 3
        rank = str(best) if best == worst else f"{best}-{worst}"
        table.add_row(rank, arm.name, value(found.ranking.estimates[arm.name]), *cost)
    out.say(table)
    tasks = len({task for task, _ in {(t, e.seed) for a in found.arms for e in a.evaluations for t in e.tasks}})
    out.say(f"[dim]{tasks} tasks, {seeds} seed{'s' * (seeds != 1)}; 95% intervals clustered by task; cost per run[/]")
    if not found.equal_cost:
        out.say("[yellow]not at equal cost: the recipes saw different numbers of episodes[/]")
    out.say("")
    for verdict in found.verdicts:
        out.say(sentence(verdict, seeds))
    if seeds == 1:
        out.say("[dim]one seed: this compares these agents; other seeds would train others[/]")


def sentence(verdict: Verdict, seeds: int) -> str:
    """What can be said about a pair."""
    from turnwise.cli.numbers import difference

    pair = verdict.pair
    head = f"{pair.a} - {pair.b}: {difference(pair.difference)} over tasks"
    if seeds > 1:
        head += f"; {difference(verdict.seeds)} over seeds"
    return f"{head}\n  {judgement(verdict, seeds)}"


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
