"""Figures of what came out: before and after, over the run, turn by turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from turnwise.core.types import Episode
from turnwise.measure.estimate import Estimate
from turnwise.measure.report.page import RATE, Look, Picture, Scale, Table
from turnwise.measure.report.record import BEFORE, Record, estimate_of
from turnwise.measure.report.svg import colour, draw, level
from turnwise.measure.report.verdict import Comparison, half_width
from turnwise.measure.rounds import agent_turns
from turnwise.measure.success_at_turn import success_curve


def interval_picture(found: Comparison) -> Picture:
    """Before, after, and below them the paired difference against zero."""
    scale, paired = found.scale, found.paired
    known = [(n, e) for n, e in (("before", found.before), ("after", found.after)) if e and e.value is not None]

    def paint(top: Axes, bottom: Axes | None = None) -> None:
        for place, (name, e) in enumerate(known):
            interval(top, scale, (e.value, e.low, e.high), len(known) - place, name)
        rows_axis(top, [name for name, _ in known])
        number_axis(top, scale)
        if bottom is not None and paired is not None:
            bottom.axvline(0, color=colour("muted"), linewidth=1.2, linestyle=(0, (3, 3)))
            interval(bottom, scale, (paired.difference, paired.low, paired.high), 1, "ink", difference=True)
            rows_axis(bottom, ["difference"])
            number_axis(bottom, scale, difference=True)

    panels = {"gridspec_kw": {"height_ratios": [len(known), 1.1]}} if paired else {}
    svg = draw(f"interval-{found.name}", paint, 2.5 if paired else 1.4, 2 if paired else 1, **panels)
    says = "Dots are means over tasks, bars 95 % intervals." + (
        " The difference is taken task by task." if paired else ""
    )
    return Picture(found.name.capitalize(), says, svg, interval_table(found))


def interval(
    axes: Axes, scale: Scale, numbers: tuple[Any, Any, Any], y: float, name: str, difference: bool = False
) -> None:
    """A dot with its interval, its value written above."""
    value, low, high = numbers
    half = None
    if low is not None and high is not None:
        half = (high - low) / 2
        axes.plot(np.multiply([low, high], scale.factor), [y, y], color=colour(name), linewidth=6, alpha=0.3)
    axes.plot([value * scale.factor], [y], "o", color=colour(name), markersize=8)
    text = scale.difference(value, half) if difference else scale.value(value, half)
    place: dict[str, Any] = {
        "textcoords": "offset points",
        "ha": "center",
        "color": colour(name),
        "fontweight": "bold",
    }
    axes.annotate(text, (value * scale.factor, y), (0, 9), **place)


def rows_axis(axes: Axes, names: Sequence[str]) -> None:
    """Named rows, the first on top."""
    axes.set_yticks(range(len(names), 0, -1), names)
    axes.set_ylim(0.5, len(names) + 0.8)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)


def number_axis(axes: Axes, scale: Scale, difference: bool = False) -> None:
    """The horizontal axis in the units of the measure."""
    if scale.rate and not difference:
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, -2), max(high, 102))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    unit = " %" if scale.rate and not difference else ""
    sign = "+" if difference else ""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: number_label(x, sign) + unit))
    if difference:
        axes.set_xlabel("after − before" + (", percentage points" if scale.rate else ""))


def number_label(x: float, sign: str = "") -> str:
    """A tick's text."""
    return f"{sign if x > 0 else ''}{x:g}".replace("-", "−")


def interval_table(found: Comparison) -> Table:
    """The numbers of `interval_picture`."""
    scale, paired = found.scale, found.paired
    rows = [
        [
            n,
            scale.value(e.value, e.half_width),
            scale.interval(e),
            str(e.n),
            str(e.clusters),
            str(e.unscored),
            e.method,
        ]
        for n, e in (("before", found.before), ("after", found.after))
        if e is not None
    ]
    if paired:
        half = half_width(paired)
        ends = f"{scale.difference(paired.low, half)} to {scale.difference(paired.high, half)}"
        value = scale.difference(paired.difference, half) + scale.unit
        counts = [str(paired.episodes), str(paired.clusters), str(paired.unscored)]
        rows.append(["after − before", value, ends if half is not None else str(paired.note), *counts, "paired t"])
    return Table(["", "mean", "95 % interval", "episodes", "tasks", "unscored", "method"], rows)


def curve_picture(record: Record, name: str, scale: Scale) -> Picture:
    """A measure over everything that the run did, in order: evaluations as dots, rounds of training as lines."""
    title = f"{name.capitalize()} over the run"
    points = [(x, line, e) for x, line in places(record.lines) if (e := estimate_of(line, name))]
    if not points:
        return Picture(title, f"Not in this run: no line of metrics.jsonl has a value for {name}.")

    def paint(axes: Axes) -> None:
        for stage in dict.fromkeys(line.get("stage") for _, line, _ in points):
            x, estimates = zip(*[(x, e) for x, line, e in points if line.get("stage") == stage], strict=True)
            hue = "muted" if stage in record.demonstrated else hue_of(str(stage))
            if len(x) == 1:
                dot_with_bar(axes, x[0], estimates[0], scale, hue)
            else:
                line_with_band(axes, x, estimates, scale, hue)
        level(axes)
        stage_axis(axes, record.lines)
        if scale.rate:
            axes.set_ylim(-3, 103)
        percent_axis(axes, scale.rate)

    says = "One dot per evaluation or round, in order. Bars and bands are 95 % intervals over tasks."
    says += "".join(f" In {stage} {who} plays, not the trained agent." for stage, who in record.demonstrated.items())
    head = ["stage", "round", name, "95 % interval", "episodes", "tasks"]
    rows = [
        [*named(line), scale.value(e.value, e.half_width), scale.interval(e), str(e.n), str(e.clusters)]
        for _, line, e in points
    ]
    return Picture(title, says, draw(f"curve-{name}", paint), Table(head, rows))


def hue_of(stage: str) -> str:
    """Which colour a stage has."""
    return "before" if stage == BEFORE else "after" if stage.startswith("evaluate") else "train"


def dot_with_bar(axes: Axes, x: float, e: Estimate, scale: Scale, hue: str) -> None:
    """One estimate."""
    if e.low is not None and e.high is not None:
        axes.plot([x, x], np.multiply([e.low, e.high], scale.factor), color=colour(hue), linewidth=6, alpha=0.3)
    axes.plot([x], [(e.value or 0.0) * scale.factor], "o", color=colour(hue), markersize=8)


def line_with_band(axes: Axes, x: Sequence[float], estimates: Sequence[Estimate], scale: Scale, hue: str) -> None:
    """Estimates in a row."""
    low, value, high = (
        np.array([np.nan if getattr(e, k) is None else getattr(e, k) for e in estimates], float) * scale.factor
        for k in ("low", "value", "high")
    )
    axes.fill_between(x, low, high, color=colour(hue), alpha=0.2, linewidth=0)
    axes.plot(x, value, color=colour(hue), marker="o" if len(x) <= 20 else "", markersize=4)


def places(lines: Sequence[dict[str, Any]]) -> list[tuple[float, dict[str, Any]]]:
    """Where on the horizontal axis each line stands: one step per round, a gap between stages, room for their names."""
    sizes = Counter(line.get("stage") for line in lines)
    found: list[tuple[float, dict[str, Any]]] = []
    x = 0.0
    for before, line in zip([*lines[:1], *lines], lines, strict=False):
        if before is not line:
            named_ones = sum(sizes[each.get("stage")] == 1 for each in (before, line))
            x += 1.0 if before.get("stage") == line.get("stage") else max(1.0, len(lines) * named_ones / 11)
        found.append((x, line))
    return found


def stage_axis(axes: Axes, lines: Sequence[dict[str, Any]]) -> None:
    """Ticks of a run: evaluations and stages of one round by name, other rounds by number, about six of them."""
    placed = places(lines)
    sizes = Counter(line.get("stage") for line in lines)
    ticks = {x: str(line.get("stage")).removeprefix("evaluate-") for x, line in placed if sizes[line.get("stage")] == 1}
    rounds = [(x, line) for x, line in placed if x not in ticks]
    ticks |= {x: str(line.get("round")) for x, line in rounds[:: max(1, -(-len(rounds) // 6))]}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xlim(-0.6, placed[-1][0] + 0.6)
    axes.set_xlabel("round")


def percent_axis(axes: Axes, percent: bool) -> None:
    """Numbers up the side, as percent where they are shares."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: number_label(y) + (" %" if percent else "")))


def named(line: dict[str, Any]) -> list[str]:
    """Stage and round of a line."""
    return [str(line.get("stage")), str(line.get("round"))]


def turn_picture(record: Record) -> Picture:
    """Success by turn, before and after."""
    title = "Success by turn"
    sides = [(n, scored(e)) for n, e in (("before", record.before), ("after", record.after))]
    sides = [(name, episodes) for name, episodes in sides if episodes]
    if not sides:
        return Picture(title, "No evaluation with scored episodes: the share solved by each turn is unknown.")
    budget = max(1, *(agent_turns(e) for _, episodes in sides for e in episodes))
    curves = {
        name: success_curve([finish_turn(e) for e in episodes], [e.task.key for e in episodes], budget)
        for name, episodes in sides
    }

    def paint(axes: Axes) -> None:
        for name, curve in curves.items():
            line_with_band(axes, range(1, budget + 1), curve, RATE, name)
        level(axes)
        axes.set_ylim(-3, 103)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        percent_axis(axes, True)
        axes.set_xlabel("turns of the agent")

    legend = [Look("stroke", name, name) for name in curves]
    head = ["solved by turn", *(f"{name}{what}" for name in curves for what in ("", ", 95 % interval"))]
    rows = [
        [
            str(t + 1),
            *(text for curve in curves.values() for text in (RATE.value(curve[t].value), RATE.interval(curve[t]))),
        ]
        for t in range(budget)
    ]
    says = "Share of episodes solved by each turn: higher and further left is better. Bands hold turn by turn."
    return Picture(title, says, draw("by-turn", paint), Table(head, rows), legend)


def scored(episodes: Sequence[Episode]) -> list[Episode]:
    """Episodes whose success is known."""
    return [e for e in episodes if e.success is not None]


def finish_turn(episode: Episode) -> int | None:
    """The agent turn on which the first path was solved, None where it was not."""
    return max(1, agent_turns(episode)) if episode.success else None
