"""The benchmark in one picture: how well each rule's credit agrees, where its gradient points, how loud it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PANELS = {
    "pearson": "agreement with the exact advantage\n(Pearson; 1 is exact)",
    "cosine": "direction of the mean gradient\n(cosine with the exact one; 1 is unbiased)",
    "snr": "signal to noise\n(share of the oracle's, squared, log scale)",
}
MARKS = "osD^vP*X"
COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#edae49", "#7a5195", "#5c6b73", "#a05195", "#2f4b7c")


def picture(document: Mapping[str, Any], policy: str, file: Path) -> Path:
    """A PNG of all worlds under one policy.

    Args:
        document: of `bench_credit`.
    """
    tables = {world: found[policy]["rules"] for world, found in document["worlds"].items() if policy in found}
    rows = list(dict.fromkeys(row for table in tables.values() for row in table))
    figure = Figure(figsize=(13, 1.6 + 0.3 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (statistic, title) in zip(panels, PANELS.items(), strict=True):
        panel(axes, tables, rows, statistic)
        axes.set_title(title, fontsize=10, loc="left")
    panels[0].set_yticks(range(len(rows)), rows)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(tables), frameon=False)
    figure.suptitle(
        f"Credit rules against exact values, policy {policy}: {document['replicates']} replicates of "
        f"{document['episodes']} episodes; bars are 95% intervals",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    figure.savefig(file, dpi=110, metadata={"Software": None})
    return file


def panel(axes: Axes, tables: Mapping[str, Any], rows: list[str], statistic: str) -> None:
    """One statistic: a mark per row and world, worlds a little apart."""
    for number, (world, table) in enumerate(tables.items()):
        shown = [row for row in rows if table.get(row, {}).get(statistic)]
        oracle = table.get("oracle", {}).get("snr") if statistic == "snr" else None
        scale = oracle[0] if oracle else 1.0
        places = [rows.index(row) + 0.16 * (number - (len(tables) - 1) / 2) for row in shown]
        found = [table[row][statistic] for row in shown]
        axes.errorbar(
            [value / scale for value, _ in found],
            places,
            xerr=[half / scale for _, half in found],
            fmt=MARKS[number % len(MARKS)],
            color=COLOURS[number % len(COLOURS)],
            markersize=4.5,
            elinewidth=1,
            label=world,
        )
    if statistic == "snr":
        axes.set_xscale("log")
    elif statistic == "cosine":
        axes.set_xlim(-1.03, 1.06)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1])
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.hlines([place + 0.5 for place in range(len(rows) - 1)], *axes.get_xlim(), color="#f0f0f0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
