"""The table in one picture: a panel per game, a line per method, ours beside the published score.

python -m turnwise.bench.lmrl.picture docs/lmrl.svg
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from turnwise.bench.lmrl.evidence import evidence
from turnwise.bench.lmrl.games import GAMES, METHODS

OURS, THEIRS, GRID = "#1b6ca8", "#d1495b", "#e4e4e4"
QUIET: Any = {"svg.hashsalt": "turnwise", "svg.fonttype": "none"}
"""The same figures give the same bytes, and words stay words."""


def picture(document: Mapping[str, Any], file: Path) -> Path:
    """An SVG of all games of a document of `bench_lmrl`."""
    games = document["games"]
    with matplotlib.rc_context(QUIET):
        figure = Figure(figsize=(3.6 * len(games) + 1.2, 3.4), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(1, len(games), sharey=True, squeeze=False)[0]
        for axes, (name, one) in zip(panels, games.items(), strict=True):
            panel(axes, name, one)
        panels[0].set_yticks(range(len(METHODS)), METHODS)
        panels[0].invert_yaxis()
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
        figure.savefig(file, metadata={"Date": None})
    return file


def panel(axes: Axes, name: str, one: Mapping[str, Any]) -> None:
    """One game: our scores with their intervals over seeds, and the published ones."""
    rows = range(len(METHODS))
    scores = [one["methods"][method]["score"] for method in METHODS]
    values = [value for value, _, _ in scores]
    below = [value - low for value, low, _ in scores]
    above = [high - value for value, _, high in scores]
    axes.axvline(50, color=GRID, linewidth=1)
    axes.errorbar(
        values, [row - 0.1 for row in rows], xerr=[below, above], fmt="o", color=OURS, markersize=4.5, label="here"
    )
    axes.plot(
        GAMES[name].published.scores, [row + 0.14 for row in rows], "D", color=THEIRS, markersize=4, label="published"
    )
    axes.set_title(one["title"], fontsize=10, loc="left")
    axes.set_xlabel("normalised score (50: the data)", fontsize=8)
    axes.set_xlim(min(-5.0, min(values) - 5), 108)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    picture(evidence(), Path(sys.argv[1]))
