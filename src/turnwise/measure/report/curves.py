"""The picture of a comparison: learning curves over world calls and over seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from turnwise.measure.curves import COSTS, Curve

LABELS = {"calls": "world calls (agent turns answered)", "seconds": "seconds, imitation included"}


def draw(curves: Sequence[Curve], by: str, file: Path) -> Path:
    """Write the picture as PNG.

    Args:
        by: what the curves show: success or return.
    """
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    for cost, axes in zip(COSTS, figure.subplots(1, len(COSTS), sharey=True), strict=True):
        for curve in curves:
            (line,) = axes.plot(getattr(curve, cost), curve.value, label=curve.name, linewidth=1.8)
            axes.fill_between(getattr(curve, cost), curve.low, curve.high, color=line.get_color(), alpha=0.15, lw=0)
        axes.set_xlabel(LABELS[cost])
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    first, seeds = figure.axes[0], curves[0].seeds
    first.set_ylabel(f"{by} of the episodes learned from")
    if by == "success":
        first.set_ylim(-0.03, 1.03)
    first.legend(frameon=False)
    over = f"{seeds} seeds, 95 % intervals over them" if seeds > 1 else "one seed, 95 % intervals over tasks"
    figure.suptitle(f"Learning curves: {over}", fontsize=11)
    figure.savefig(file, dpi=130)
    return file
