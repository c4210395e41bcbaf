"""`turnwise evaluate`: how any agent does on the evaluation tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnwise.cli.command import command, seed_option
from turnwise.cli.out import Out
from turnwise.cli.settings import parse_world, set_option
from turnwise.core.errors import TurnwiseError

if TYPE_CHECKING:
    from turnwise.api.evaluation import Evaluation


@command(
    "turnwise evaluate script:optimal maze",
    "turnwise evaluate run:runs/wordle-grpo-1 wordle --episodes 800 --temperature 0",
    "turnwise evaluate script:rough safe-answers --seat feedback=script:judge",
)
@click.argument("agent")
@click.argument("world", required=False)
@click.option("--episodes", type=click.IntRange(min=1), help="How many, going round the tasks.  [default: 2 per task]")
@click.option("--temperature", type=click.FloatRange(min=0), help="Of a model's sampling; 0 is greedy.  [default: 1]")
@click.option("--seat", "seats", multiple=True, metavar="SEAT=SPEC", help="Who sits in another seat; repeatable.")
@set_option("A setting of the world; as often as wanted.")
@click.option("--out", "folder", type=click.Path(path_type=Path), help="A new folder to keep the episodes in.")
@seed_option(0, "Names the draws: agents evaluated with one seed are paired.")
def evaluate(
    out: Out,
    agent: str,
    world: str | None,
    episodes: int | None,
    temperature: float | None,
    seats: tuple[str, ...],
    sets: tuple[str, ...],
    folder: Path | None,
    seed: int,
) -> None:
    """Let an agent play evaluation tasks, and show how it did.

    AGENT is script:NAME (a scripted player), run:DIR (a trained agent), hf:DIR, scratch:SIZE or human. A trained agent
    plays as in its run, and in the world of its run where none is named; whoever learned another seat there
    (run:DIR@SEAT) sits with it.
    """
    import dataclasses
    import sys

    from turnwise.agents.spec import Seated
    from turnwise.api.evaluating import evaluate_seated, take_seat
    from turnwise.cli.person import person, plain_interrupts
    from turnwise.cli.progress import Display
    from turnwise.explore.table import run_plain

    others = parse_seats(seats)
    place = take_seat(agent, world, parse_world(sets), temperature=temperature, seed=seed, others=others)
    display = Display(out.aside, patient=False)
    if agent == "human":
        place = dataclasses.replace(place, seated=Seated(person(out), run_plain))
    with plain_interrupts() if agent == "human" else display.watching():
        found = evaluate_seated(
            place, episodes=episodes, seed=seed, out=folder, progress=display, command=["turnwise", *sys.argv[1:]]
        )
    if not out.as_json:
        show(out, found)
    name = found.world.name
    kept = [f"turnwise report {folder} --open"] if folder else []
    watch = [] if agent == "human" else [f"turnwise play {name} --agent {agent}"]
    document = found.as_json() | ({"run": str(folder)} if folder else {})
    out.finish(document, [*kept, *watch, f"turnwise worlds {name}"])


def parse_seats(texts: tuple[str, ...]) -> dict[str, str]:
    """SEAT=SPEC, read.

    Raises:
        TurnwiseError: a text of another form.
    """
    for text in texts:
        if not all(text.partition("=")):
            raise TurnwiseError(f"--seat {text}", "SEAT=SPEC, such as feedback=script:judge")
    return {text.partition("=")[0]: text.partition("=")[2] for text in texts}


def show(out: Out, found: Evaluation) -> None:
    """The numbers."""
    from turnwise.cli.numbers import counts, plain_table, value

    heat = "" if found.temperature is None else f", temperature {found.temperature:g}"
    out.say(f"[bold]{found.agent}[/] in [bold]{found.world.name}[/], seed {found.seed}{heat}")
    table = plain_table("", "")
    table.show_header = False
    table.add_row("success", value(found.success))
    table.add_row("return", value(found.returns))
    for seat, returns in found.other_returns.items():
        table.add_row(f"return of {seat}", value(returns))
    for name, share in found.noted.items():
        table.add_row(name.replace("_", " "), value(share))
    table.add_row("turns", value(found.turns))
    for k, (at, hat) in found.pass_k.items():
        table.add_row(f"pass@{k}", f"{value(at)}   one of {k} tries succeeds")
        table.add_row(f"pass^{k}", f"{value(hat)}   all of {k} tries succeed")
    if found.normalised is not None:
        a = found.normalised.anchors
        scale = f"0 = {a.worst:g}, 50 = {a.data:g}, 100 = {a.best:g}, {a.origin}"
        table.add_row("normalised", f"{value(found.normalised.score)}   {scale}")
    table.add_row("endings", ", ".join(f"{name} {number}" for name, number in found.ends.items()))
    out.say(table, f"[dim]95% intervals clustered by task: {counts(found.returns)}[/]")
    if found.success.warning:
        out.say(f"[yellow]{found.success.warning}[/]")
    if len(found.curve) > 1 and found.success.value:
        out.say("", curve_table(found))


def curve_table(found: Evaluation) -> object:
    """Share solved by turn, at a few turns."""
    from turnwise.cli.numbers import plain_table

    last = len(found.curve)
    shown = sorted({t for t in (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100) if t < last} | {last})
    table = plain_table("solved by turn", *map(str, shown), right=list(map(str, shown)))
    table.padding = (0, 2, 0, 0)
    for name, of in (("share", "value"), ("low", "low"), ("high", "high")):
        cells = [getattr(found.curve[t - 1], of) for t in shown]
        table.add_row(name, *("" if c is None else f"{c:.2f}" for c in cells), style="" if name == "share" else "dim")
    return table
