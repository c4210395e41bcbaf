"""`turnwise bench credit`: every credit rule against exact values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from turnwise.cli.command import command, seed_option
from turnwise.cli.out import Out

SHOWN = ("pearson", "sign", "null", "cosine", "snr", "bias", "sd", "model_calls")
"""Columns for people; the document has all."""
LEGEND = (
    "pearson, sign: agreement with the exact advantage A; null: credit where A = 0 over credit elsewhere (ideal: 0)\n"
    "cosine: mean gradient with the exact one (1 is unbiased); snr: its squared signal over noise at 512 episodes\n"
    "bias, sd: of scaled credit, to be held against rms A; calls: of the model, per episode"
)


@command(
    "turnwise bench credit",
    "turnwise bench credit --world work-submit --policy uniform --policy good",
    "turnwise bench credit --training --check --out runs/credit",
)
@click.option("--world", "worlds", metavar="NAME", multiple=True, help="Several; default: the four of the benchmark.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    default=["mid"],
    show_default=True,
    type=click.Choice(["uniform", "mid", "good"]),
    help="Who plays: 0, .4 or .7 of the best policy, the rest uniform. Several.",
)
@click.option("--rule", "rules", metavar="ROW", multiple=True, help="Only these rows. Several; default: all that fit.")
@click.option(
    "--replicates", type=click.IntRange(min=4), default=20, show_default=True, help="Batches of 512 episodes."
)
@click.option("--training", is_flag=True, help="Train tables with the rules too, in the benchmark's four worlds.")
@click.option("--networks", metavar="SIZE", help="Ask with a network as policy too, from scratch:SIZE, three stages.")
@click.option("--check", is_flag=True, help="Say which figures lie within the pass marks of the reference table.")
@click.option("--out", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Write credit.json and pictures.")
@seed_option(0, "Of all draws.")
def credit(out: Out, folder: Path | None, training: bool, networks: str | None, check: bool, **given: Any) -> None:
    """How good credit rules are: each one's credit per turn against the exact advantage, in small worlds."""
    from turnwise.bench.credit.reference import compare, compare_training
    from turnwise.bench.credit.run import WORLDS, bench_credit, bench_training

    chosen = given | {"worlds": given["worlds"] or WORLDS}
    with out.working("credit against exact values") as status:

        def watch(what: str, share: float) -> None:
            if status is not None:
                status.update(f"{what}: {share:.0%}")

        found = bench_credit(**chosen, watch=watch)
        if training:
            found["training"] = bench_training(chosen["worlds"], chosen["rules"], chosen["seed"], watch)
        if networks:
            found["networks"] = by_networks(networks, given, watch)
    for world, policies in found["worlds"].items():
        for policy, one in policies.items():
            out.say(*table_of(world, policy, one))
    out.say(f"[dim]{LEGEND}[/]", "")
    for world, rows in found.get("training", {}).items():
        out.say(*training_table(world, rows))
    for world, stages in found.get("networks", {}).items():
        for stage, one in stages.items():
            out.say(*network_table(world, stage, one))
    if check:
        found["check"] = [one.document() for one in compare(found)]
        found["check_training"] = compare_training(found)
        out.say(*verdict(found["check"]))
    next_moves = ["turnwise bench credit --check --training" if not check else "turnwise bench credit --replicates 200"]
    if folder is not None:
        next_moves = [f"open {path}" for path in written(found, folder)]
    out.finish(found, next_moves)


def by_networks(size: str, given: Mapping[str, Any], watch: Any) -> dict[str, Any]:
    """The rows on episodes of a network, in the small worlds or in those that were named."""
    from turnwise.bench.credit.networks import SMALL, bench_networks

    worlds = given["worlds"] or SMALL
    return bench_networks(worlds, f"scratch:{size}", given["replicates"], given["seed"], given["rules"], watch)


def network_table(world: str, stage: str, one: Mapping[str, Any]) -> list[Any]:
    """A world under a network at a stage."""
    from turnwise.cli.numbers import plain_table

    names = {"pearson": "pearson", "sign": "sign", "cosine": "cosine", "snr": "snr", "cosine in weights": "weights"}
    table = plain_table("rule", *names, right=list(names))
    table.columns[0].no_wrap = True
    for name, figures in one["rules"].items():
        table.add_row(name, *(cell(figures[column], column) for column in names.values()))
    about = (
        f"expected return {', '.join(f'{v:.3f}' for v in one['value'])}; other texts {one['other_texts']:.1%} of turns"
    )
    return [f"[bold]{world}[/], a network, {stage} [dim]({about})[/]", table, ""]


def written(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """The document and a picture per policy."""
    from turnwise.bench.credit.picture import picture

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "credit.json").write_text(json.dumps(found) + "\n")
    policies = dict.fromkeys(policy for one in found["worlds"].values() for policy in one)
    return [picture(found, policy, folder / f"credit-{policy}.png") for policy in policies]


def table_of(world: str, policy: str, one: Mapping[str, Any]) -> list[Any]:
    """A world under a policy: title and table."""
    from turnwise.cli.numbers import plain_table

    values = ", ".join(f"{value:.3f}" for value in one["value"])
    size = next((row["size"][0] for row in one["rules"].values() if row["size"]), None)
    about = f"expected return {values}; rms A {'-' if size is None else f'{size:.3f}'}"
    checked = f"exact values and play agree on {one['truth_check']:.0%} of 50 pairs"
    names = [name.removeprefix("model_") for name in SHOWN]
    table = plain_table("rule", *names, right=names)
    table.columns[0].no_wrap = True
    for name, figures in one["rules"].items():
        table.add_row(name, *(cell(figures[column], column) for column in SHOWN))
    return [f"[bold]{world}[/], {policy} policy [dim]({about}; {checked})[/]", table, ""]


def cell(figure: list[float] | None, column: str) -> str:
    """A figure, with its half width where it decides."""
    if figure is None:
        return "-"
    value, half = figure
    if column == "model_calls":
        return f"{value:,.1f}"
    if column == "snr":
        return f"{value:.3g} [dim]±{half:.2g}[/]"
    return f"{value:.3f} [dim]±{half:.3f}[/]" if column in ("pearson", "cosine", "weights") else f"{value:.3f}"


def training_table(world: str, rows: Mapping[str, Any]) -> list[Any]:
    """Episodes to .8, and where training ends."""
    from turnwise.cli.numbers import plain_table

    table = plain_table("rule", "episodes to .8", "final return", right=["episodes to .8", "final return"])
    for name, row in rows.items():
        episodes = "never" if row["episodes"] is None else f"{row['episodes']:,.0f}"
        table.add_row(name, episodes, f"{row['final']:.3f} [dim]±{row['spread']:.3f}[/]")
    return [f"[bold]{world}[/], training from the uniform policy [dim](5 seeds)[/]", table, ""]


def verdict(entries: list[dict[str, Any]]) -> list[Any]:
    """How many entries lie within the marks, and all that do not."""
    from turnwise.cli.numbers import plain_table

    missed = [one for one in entries if not one["within"]]
    lines: list[Any] = [
        f"[bold]{len(entries) - len(missed)} of {len(entries)}[/] entries of the reference table lie within its marks"
    ]
    if missed:
        right = ["reference", "found"]
        table = plain_table("world", "rule", "statistic", *right, "apart by", right=right)
        for one in missed:
            found = "-" if one["found"] is None else f"{one['found']:.3f} [dim]±{one['half_width']:.3f}[/]"
            apart = "chance, as far as can be told" if one["chance"] else "more than chance"
            table.add_row(one["world"], one["row"], one["statistic"], f"{one['reference']:.3f}", found, apart)
        lines += [table]
    return [*lines, ""]
