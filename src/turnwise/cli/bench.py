"""`turnwise bench`: how fast this machine samples and trains, and how good credit rules are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from turnwise.cli.command import command
from turnwise.cli.group import Commands
from turnwise.cli.out import Out

bench = Commands(
    "bench",
    commands={
        "branching": "turnwise.cli.bench:branching",
        "budget": "turnwise.cli.bench_budget:budget",
        "credit": "turnwise.cli.bench_credit:credit",
        "horizon": "turnwise.cli.bench_horizon:horizon",
        "lmrl": "turnwise.cli.bench_lmrl:lmrl",
        "live": "turnwise.cli.bench:live",
        "planner": "turnwise.cli.bench:planner",
        "poet": "turnwise.cli.bench:poet",
        "rollout": "turnwise.cli.bench:rollout",
        "train": "turnwise.cli.bench:train",
    },
    help="Measure speed, and credit rules against exact values.",
    examples=["turnwise bench credit", "turnwise bench rollout", "turnwise bench train --turns 64"],
)


def options(models: str) -> Callable[[Any], Any]:
    """What both have in common, and the kinds of models that one takes."""
    given = [
        click.option(
            "--turns", type=click.IntRange(min=1), default=32, show_default=True, help="Agent turns of an episode."
        ),
        click.option(
            "--episodes", type=click.IntRange(min=1), help="Episodes at once.  [default: the benchmark's own]"
        ),
        click.option("--model", metavar="SPEC", default="scratch:micro", show_default=True, help=models),
        click.option(
            "--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Medians over so many."
        ),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of weights and texts."),
    ]

    def put(function: Any) -> Any:
        for option in reversed(given):
            function = option(function)
        return function

    return put


@command("turnwise bench rollout", "turnwise bench rollout --growth", "turnwise bench rollout --turns 64 --json")
@options("scratch:SIZE.")
@click.option("--growth", is_flag=True, help="How time per episode grows from --turns to twice as many, instead.")
def rollout(out: Out, growth: bool, turns: int, **given: Any) -> None:
    """Episodes per second of the engine, against generating on the whole history each turn."""
    from turnwise.bench.rollout import bench_growth, bench_rollout

    if growth:
        units = "growth: time per episode at the larger number of turns over the smaller; ratio: engine over limit"
        show(out, bench_growth(short=turns, long=2 * turns, **chosen(given)), units, "turnwise bench rollout")
    else:
        units = "engine, usual, limit: episodes per second; outside: time not in the model"
        show(out, bench_rollout(turns=turns, **chosen(given)), units, "turnwise bench rollout --growth")


@command("turnwise bench train", "turnwise bench train --turns 64 --json")
@options("scratch:SIZE or hf:DIR.")
def train(out: Out, **given: Any) -> None:
    """Tokens per second of training on whole episodes, against one sample per turn."""
    from turnwise.bench.train import bench_train

    units = "ratio: usual over packed seconds; gradient gap: the two sides' gradients, relative difference"
    show(out, bench_train(**chosen(given)), units, "turnwise bench rollout")


@command("turnwise bench branching", "turnwise bench branching --turns 64 --paths 16 --json")
@options("scratch:SIZE.")
@click.option("--paths", type=click.IntRange(min=2), default=8, show_default=True, help="Paths of each task.")
def branching(out: Out, **given: Any) -> None:
    """Seconds per new token of branching rollouts, against as many rollouts from the prompt."""
    from turnwise.bench.branching import bench_branching

    units = "ratio: branching over plain, per new token; played: turns; read, written: tokens"
    show(out, bench_branching(**chosen(given)), units, "turnwise bench rollout")


@command("turnwise bench live", "turnwise bench live --world maze-partial --turns 20")
@click.option("--episodes", type=click.IntRange(min=1), default=10_000, show_default=True, help="All live at once.")
@click.option("--turns", type=click.IntRange(min=1), default=4, show_default=True, help="Acts after which all are cut.")
@click.option("--world", metavar="NAME", default="maze", show_default=True, help="What is played.")
@click.option("--model", metavar="SPEC", default="scratch:nano", show_default=True, help="scratch:SIZE or hf:DIR.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of weights and draws.")
def live(out: Out, **given: Any) -> None:
    """Memory that many live episodes take, each with its own cache."""
    from turnwise.bench.live import bench_live

    units = "peak gb: largest memory of the process, 10^9 bytes; lines gb: of it after the model was loaded"
    show(out, bench_live(**given), units, "turnwise bench rollout")


@command("turnwise bench poet --seeds 1 --episodes 200000", "turnwise bench poet --store")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each arm.")
@click.option("--episodes", type=click.IntRange(min=1), default=700_000, show_default=True, help="That each arm plays.")
@click.option("--store", is_flag=True, help="Keep what was found beside the code.")
def poet(out: Out, store: bool, **given: Any) -> None:
    """Environments that grow, against training directly on the hardest one, a curriculum, and no transfers."""
    from turnwise.bench import poet as arms

    found = arms.bench_poet(**given)
    if store:
        out.say(f"evidence: {arms.store(found)}")
    units = "claims: mean difference over seeds, 95% interval; episodes: of each arm, checks and transfers included"
    show(out, {"episodes": found["episodes"], **found["claims"]}, units, "turnwise bench credit")


@command("turnwise bench planner --agent run:DIR --nodes 480", "turnwise bench planner --store")
@click.option("--agent", metavar="SPEC", default="script:novice", show_default=True, help="Who proves.")
@click.option("--theorems", type=click.IntRange(min=2), default=96, show_default=True, help="Of three goals each.")
@click.option("--nodes", type=click.IntRange(min=1), default=240, show_default=True, help="Of each theorem, in all.")
@click.option(
    "--patience", type=click.IntRange(min=1), default=120, show_default=True, help="Nodes of a goal before a new plan."
)
@click.option("--together", type=click.IntRange(min=1), default=2, show_default=True, help="Provers on a goal.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the provers' luck.")
@click.option("--store", is_flag=True, help="Keep what was found beside the code.")
def planner(
    out: Out, store: bool, agent: str, theorems: int, nodes: int, patience: int, together: int, seed: int
) -> None:
    """Subgoals with a shared cache of facts, against plain search at as many nodes."""
    from turnwise.bench import planner as arms

    found = arms.bench_planner(agent, theorems, arms.Budget(nodes, patience, together), seed)
    if store:
        out.say(f"evidence: {arms.store(found)}")
    units = "proved: share of the theorems, proofs checked from the start; nodes: places expanded; difference: 95%"
    show(out, found, units, "turnwise train step-proving --recipe bfs-prover")


def chosen(given: dict[str, Any]) -> dict[str, Any]:
    """Without what was left to the benchmark."""
    return {name: value for name, value in given.items() if value is not None}


def show(out: Out, found: dict[str, Any], units: str, other: str) -> None:
    """The figures by name."""
    from turnwise.cli.numbers import plain_table

    table = plain_table("", "")
    table.show_header = False
    for name, figure in found.items():
        table.add_row(name.replace("_", " "), text_of(figure))
    out.say(table, f"[dim]{units}[/]")
    out.finish(found, [other])


def text_of(figure: Any) -> str:
    """A figure, or several, to four places."""
    if isinstance(figure, dict):
        return ", ".join(f"{name} {text_of(part)}" for name, part in figure.items())
    if isinstance(figure, list | tuple):
        return " ".join(map(text_of, figure))
    return f"{figure:,.4g}" if isinstance(figure, float) else str(figure)
