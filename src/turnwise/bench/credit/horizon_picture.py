"""Episodes to a given return over the horizon, in one picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from turnwise.bench.credit.horizon import EPISODES, OURS, SHARE
from turnwise.bench.credit.picture import COLOURS, MARKS


def picture(document: Mapping[str, Any], file: Path) -> Path:
    """An SVG: a panel per corridor, a line per arm; an empty mark at the top: more than half of the runs never came.

    Args:
        document: of `bench_horizon`.
    """
    most = document["updates"] * EPISODES
    corridors = document["corridors"]
    with matplotlib.rc_context({"svg.hashsalt": "turnwise", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.2 * len(corridors), 5), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(1, len(corridors), sharey=True, squeeze=False)[0]
        for axes, (corridor, tables) in zip(panels, corridors.items(), strict=True):
            panel(axes, tables, most)
            axes.set_title(corridor, fontsize=10, loc="left")
        panels[0].set_ylabel(f"episodes to {SHARE:.0%} of the best return (median, 95% interval)")
        lines, names = panels[0].get_legend_handles_labels()
        figure.legend(lines, names, loc="outside lower center", ncols=4, frameon=False)
        figure.savefig(file, metadata={"Date": None, "Creator": None})
    return file


def panel(axes: Axes, tables: Mapping[str, Any], most: int) -> None:
    """One corridor: arms over turns, both on log scales."""
    names = list(dict.fromkeys(name for table in tables.values() for name in table))
    for number, name in enumerate(names):
        shown = {int(turns): table[name] for turns, table in tables.items() if name in table}
        turns = [t * (1 + 0.025 * (number - len(names) / 2)) for t in shown]  # a little apart
        low, middle, high = ([one[part] or most for one in shown.values()] for part in ("low", "median", "high"))
        colour, mark = COLOURS[number % len(COLOURS)], MARKS[number % len(MARKS)]
        look: dict[str, Any] = {"color": colour, "marker": mark, "markersize": 5}
        bars = [[m - n for m, n in zip(middle, low, strict=True)], [n - m for m, n in zip(middle, high, strict=True)]]
        axes.errorbar(turns, middle, yerr=bars, elinewidth=1, linewidth=2 if name == OURS else 1, label=name, **look)
        given_up = [t for t, one in zip(turns, shown.values(), strict=True) if one["median"] is None]
        axes.plot(given_up, [most] * len(given_up), linestyle="none", markerfacecolor="white", **look)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks([int(t) for t in tables], list(tables))
    axes.set_xlabel("turns")
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
