"""Accuracy against what it costs, in one picture: python -m turnwise.bench.budget_picture docs/budget.svg"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from turnwise.bench.budget import evidence
from turnwise.bench.credit.picture import COLOURS, MARKS

COSTS = {"actions": "mean acts of an episode", "tokens": "mean tokens (or words) of an episode"}


def picture(document: Mapping[str, Any], file: Path) -> Path:
    """An SVG: a column per decoy rate, a row per cost; a line per agent and cap on acts, along the answers asked for.

    Args:
        document: of `bench_budget`.
    """
    cells = document["cells"]
    rates = list(dict.fromkeys(cell["decoys"] for cell in cells))
    with matplotlib.rc_context({"svg.hashsalt": "turnwise", "svg.fonttype": "none"}):
        figure = Figure(figsize=(4.2 * len(rates), 7.2), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(len(COSTS), len(rates), sharey=True, squeeze=False)
        for row, (cost, says) in zip(panels, COSTS.items(), strict=True):
            for axes, rate in zip(row, rates, strict=True):
                panel(axes, [cell for cell in cells if cell["decoys"] == rate], cost)
                axes.set_xlabel(says, fontsize=8)
                axes.set_title(f"decoys {rate:g}", fontsize=10, loc="left")
            row[0].set_ylabel("accuracy (95% interval)")
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
        figure.savefig(file, metadata={"Date": None, "Creator": None})
    return file


def panel(axes: Axes, cells: list[Mapping[str, Any]], cost: str) -> None:
    """One decoy rate: each point bears the number of answers asked for."""
    agents, caps = (list(dict.fromkeys(cell[name] for cell in cells)) for name in ("agent", "steps"))
    for a, agent in enumerate(agents):
        for c, cap in enumerate(caps):
            line = [cell for cell in cells if (cell["agent"], cell["steps"]) == (agent, cap)]
            x, y = [cell[cost][0] for cell in line], [cell["success"] for cell in line]
            middle = [value for value, _, _ in y]
            bars = [[value - low for value, low, _ in y], [high - value for value, _, high in y]]
            axes.errorbar(
                x, middle, yerr=bars, color=COLOURS[c % len(COLOURS)], marker=MARKS[a % len(MARKS)], markersize=4,
                linewidth=1, elinewidth=0.5, linestyle=("-", "--", ":")[a % 3], label=f"{agent}, {cap} acts",
            )  # fmt: skip
            for cell, left, up in zip(line, x, middle, strict=True):
                axes.annotate(str(cell["attempts"]), (left, up), (3, 3), textcoords="offset points", fontsize=7)
    axes.set_ylim(-0.03, 1.05)
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    picture(evidence(), Path(sys.argv[1]))
