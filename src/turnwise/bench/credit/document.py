"""docs/CREDIT.md, made from the evidence: python -m turnwise.bench.credit.document > docs/CREDIT.md"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from turnwise.bench.credit.evidence import COMMANDS, evidence
from turnwise.bench.credit.horizon_page import horizon_evidence, section
from turnwise.bench.credit.reference import reference
from turnwise.bench.credit.rules import ROWS

UNBIASED = 0.995
"""A row leans where the whole interval of its cosine lies below this."""


class Figures:
    """The evidence, by world, row, statistic and policy, as the text quotes it."""

    def __init__(self, found: dict[str, Any]):
        self.found, self.worlds, self.training = found, found["worlds"], found["training"]

    def __call__(self, world: str, row: str, statistic: str = "cosine", policy: str = "mid") -> str:
        return plain(self.worlds[world][policy]["rules"][row][statistic][0], statistic)

    def share(self, world: str, row: str) -> str:
        """SNR as a share of the oracle's."""
        return f"{100 * self.ratio(world, row, 'oracle'):.0f} %"

    def times(self, world: str, row: str, other: str) -> str:
        """How many times another row's SNR."""
        return f"{self.ratio(world, row, other):.0f}"

    def ratio(self, world: str, row: str, other: str) -> float:
        """SNR of two rows under the middle policy."""
        rules = self.worlds[world]["mid"]["rules"]
        return rules[row]["snr"][0] / rules[other]["snr"][0]

    def trained(self, world: str, row: str) -> str:
        """Episodes to .8."""
        episodes = self.training[world][row]["episodes"]
        return "never" if episodes is None else f"{episodes:,.0f}"

    def final(self, world: str, row: str) -> str:
        """Where training ended."""
        return plain(self.training[world][row]["final"], "final")

    def in_weights(self, world: str, row: str, stage: str) -> str:
        """Cosine in a network's parameters."""
        return cell(self.found["networks"][world][stage]["rules"][row]["weights"], "cosine")

    def leaning(self) -> list[tuple[str, list[tuple[float, str, str]]]]:
        """Per row the cosines that are surely below .995: (cosine, world, policy), lowest first."""
        found: dict[str, list[tuple[float, str, str]]] = {row.name: [] for row in ROWS}
        for world, policies in self.worlds.items():
            for policy, one in policies.items():
                for row, figures in one["rules"].items():
                    value, half = figures["cosine"]
                    if value + half < UNBIASED:
                        found[row].append((value, world, policy))
        return [(row, sorted(places)) for row, places in found.items() if places]


def plain(value: float, statistic: str = "") -> str:
    """A figure as the page prints it: SNR and calls by size, the others to three places."""
    if statistic in ("snr", "model_calls"):
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def cell(figure: Sequence[float] | None, statistic: str) -> str:
    """With its interval where rules are ranked by it."""
    if figure is None:
        return "-"
    value = plain(figure[0], statistic)
    if statistic == "snr":
        return f"{value} ± {figure[1]:.2g}"
    return f"{value} ± {plain(figure[1])}" if statistic == "cosine" else value


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown; all columns but the first hold numbers."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def at_mid(x: Figures, world: str) -> str:
    """The full table of a world under the middle policy."""
    one = x.worlds[world]["mid"]
    statistics = ("pearson", "sign", "null", "cosine", "snr", "bias", "sd", "model_calls")
    rows = [
        [f"`{name}`", *(cell(figures[s], s) for s in statistics)] for name, figures in one["rules"].items()
    ]  # fmt: skip
    size = next(figures["size"][0] for figures in one["rules"].values() if figures["size"])
    values = " and ".join(plain(value) for value in one["value"])
    return f"### {world}\n\nExpected return {values}; rms of the exact advantage {plain(size)}.\n\n" + table(
        ["rule", *statistics[:-1], "calls"], rows
    )


def other_policies(x: Figures, world: str) -> str:
    """Cosine and SNR under the two other policies."""
    uniform, good = (x.worlds[world][policy]["rules"] for policy in ("uniform", "good"))
    rows = [
        [f"`{name}`", *(cell(rules[name][s], s) for rules in (uniform, good) for s in ("cosine", "snr"))]
        for name in uniform
    ]
    header = ["rule", "cosine, uniform", "SNR, uniform", "cosine, good", "SNR, good"]
    return f"### {world}\n\n{table(header, rows)}"


def training(x: Figures, world: str) -> str:
    """The training check of a world beside the reference."""
    given = reference()["training"][world]
    rows = []
    for name, row in x.training[world].items():
        episodes, final = given.get(name, ("-", None))
        rows.append(
            [
                f"`{name}`",
                x.trained(world, name),
                f"{plain(row['final'])} ± {plain(row['spread'])}",
                plain(row["after_10"]),
                "never" if episodes is None else str(episodes),
                "-" if final is None else plain(final),
            ]
        )
    header = ["rule", "episodes to .8", "final return", "after 10 updates", "reference: episodes", "reference: final"]
    return f"### {world}\n\n{table(header, rows)}"


def networks(x: Figures, world: str) -> str:
    """The cosines of a network's stages, over situations and in its weights."""
    stages = x.found["networks"][world]
    header = ["rule", *(f"{stage}: {what}" for stage in stages for what in ("cosine", "in weights", "SNR"))]
    rows = []
    for name in next(iter(stages.values()))["rules"]:
        row = [f"`{name}`"]
        for one in stages.values():
            figures = one["rules"][name]
            row += [cell(figures[statistic], "cosine") for statistic in ("cosine", "weights")]
            row.append(cell(figures["snr"], "model_calls"))
        rows.append(row)
    about = "; ".join(
        f"*{stage}*: expected return {plain(one['value'][0])}, {100 * one['other_texts']:.1f} % other texts"
        for stage, one in stages.items()
    )
    return f"### {world}\n\n{about}.\n\n{table(header, rows)}"


def biases(x: Figures) -> str:
    """Rows whose mean gradient surely does not point along the exact one, and where the most."""
    rows = [
        [f"`{row}`", plain(places[0][0]), f"{places[0][1]}, {places[0][2]}", f"{len(places)} of {tried(x, row)}"]
        for row, places in x.leaning()
    ]
    straight = [f"`{row.name}`" for row in ROWS if row.name not in dict(x.leaning()) and tried(x, row.name)]
    return table(["rule", "lowest cosine", "where", "settings in which it leans"], rows) + (
        f"\n\nNot below {plain(UNBIASED)} anywhere: {', '.join(straight)}."
    )


def tried(x: Figures, row: str) -> int:
    """In how many pairs of world and policy a row was run."""
    return sum(row in one["rules"] for policies in x.worlds.values() for one in policies.values())


def missed(x: Figures) -> str:
    """The reference's entries that lie outside their pass marks in one of the two runs."""
    rows = []
    for one in x.found["marks"]["missed"]:
        runs = [
            f"{cell(figure, 'snr' if one['statistic'] == 'snr' else 'cosine')}{'' if within else ' (out)'}"
            for figure, within in zip(one["found"], one["within"], strict=True)
        ]
        apart = "no" if one["chance"] else "yes"
        reference_ = plain(one["reference"], one["statistic"])
        rows.append([f"{one['world']}, `{one['row']}`", one["statistic"], reference_, *runs, apart])
    short, long = x.found["replicates"].values()
    header = ["entry", "statistic", "reference", f"{short} replicates", f"{long} replicates", "more than chance"]
    return table(header, rows)


def meanings() -> str:
    """What each row is."""
    lines = [f"| `{row.name}` | {row.says.replace('|', '/')} | {reads(row)} |" for row in ROWS]
    return "\n".join(["| rule | credit of a turn | reads, besides the episodes |", "|---|---|---|", *lines])


def reads(row: Any) -> str:
    """What the row is told."""
    told = [f"{row.values} values"] if row.values in ("exact", "fitted") else []
    told += {"continued": ["8 episodes played on from every turn"], "probe": ["the probe as critic"]}.get(
        row.values, []
    )
    told += ["exact values" if name in ("q", "v") else name for name in row.signals]
    return ", ".join(dict.fromkeys(told)) or "-"


def page(found: dict[str, Any]) -> str:
    """The whole page."""
    x = Figures(found)
    text = (resources.files("turnwise.bench.credit") / "credit.md.j2").read_text()
    template = Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(text)
    short, long = found["replicates"].values()
    return template.render(
        x=x,
        commands=COMMANDS,
        short=short,
        long=long,
        marks=found["marks"],
        meanings=meanings(),
        biases=biases(x),
        missed=missed(x),
        at_mid=[at_mid(x, world) for world in x.worlds],
        other_policies=[other_policies(x, world) for world, found in x.worlds.items() if "good" in found],
        training=[training(x, world) for world in x.training],
        horizon=section(horizon_evidence()),
        networks=[networks(x, world) for world in found["networks"]],
    )


if __name__ == "__main__":
    sys.stdout.write(page(evidence()))
