"""Figures of how long episodes are and how they end. A cut is hatched: it is where the record stops, not a loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from turnwise.core.types import End, Episode
from turnwise.measure.report.outcomes import named, percent_axis, places, stage_axis
from turnwise.measure.report.page import Look, Picture, Table, plain
from turnwise.measure.report.record import Record
from turnwise.measure.report.svg import colour, draw, level
from turnwise.measure.rounds import agent_turns

ENDINGS = ("solved", "over, not solved", "cut off")
"""The episode was a success; the world was over without one (or does not say); the path was cut."""

ENDING_TEXT = {
    End.DONE: "over",
    End.TURNS: "out of turns",
    End.TOKENS: "out of tokens",
    End.TIME: "out of time",
    End.COST: "out of money",
    End.LEFT: "somebody left",
    End.REFUSED: "refused to go on",
    End.ERROR: "something broke",
}

Sides = Sequence[tuple[str, Sequence[Episode]]]


def sides_of(record: Record) -> Sides:
    """Before and after, where there are episodes."""
    found = [(name, [e for e in side if e.ends]) for name, side in (("before", record.before), ("after", record.after))]
    return [(name, episodes) for name, episodes in found if episodes]


def length_picture(record: Record) -> Picture:
    """Lengths of the evaluation episodes, split by how they end, before beside after."""
    title, sides = "Lengths", sides_of(record)
    if not sides:
        return Picture(title, "Not in this run: there are no evaluation episodes.")
    longest = max(agent_turns(e) for _, episodes in sides for e in episodes)
    width = max(1, -(-(longest + 1) // 16))
    bins = np.arange(0, longest + 1, width)
    bar = 0.84 * width / len(sides)

    def paint(axes: Axes) -> None:
        for number, (name, episodes) in enumerate(sides):
            x, bottom = bins + bar * (number - (len(sides) - 1) / 2), np.zeros(len(bins))
            for ending, look in zip(ENDINGS, (full(name), full(name) | {"alpha": 0.4}, hatched(name)), strict=True):
                lengths = [agent_turns(e) for e in episodes if ending_of(e) == ending]
                share = np.bincount(np.array(lengths, int) // width, minlength=len(bins)) / len(episodes) * 100
                axes.bar(x, share, 0.92 * bar, bottom=bottom, **look)
                bottom += share
        level(axes)
        percent_axis(axes, True)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlabel("turns of the agent" + (f", from each number on for {width}" if width > 1 else ""))

    shapes = zip(("full", "pale", "hatched"), ENDINGS, strict=True)
    legend = [
        *(Look("full", name, name) for name, _ in sides),
        *(Look(shape, "muted", says) for shape, says in shapes),
    ]
    rows = [[ending, *spread(sides, ending)] for ending in ENDINGS]
    head = ["mean turns where", *(name for name, _ in sides)]
    says = "Share of the evaluation's episodes by number of turns."
    return Picture(title, says, draw("lengths", paint), Table(head, rows), legend)


def spread(sides: Sides, ending: str) -> list[str]:
    """Mean number of turns of the episodes with an ending, per side."""
    lengths = [[agent_turns(e) for e in episodes if ending_of(e) == ending] for _, episodes in sides]
    return [plain(float(np.mean(found)), 2) if found else "–" for found in lengths]


def ending_of(episode: Episode) -> str:
    """Which of ENDINGS the first path has."""
    solved, over, cut = ENDINGS
    return solved if episode.success else over if episode.ends[0].end.terminal else cut


def endings_card(record: Record) -> Picture:
    """Evaluation episodes by ending, terminal or cut, and success, as a table."""
    title, sides = "Endings, counted", sides_of(record)
    if not sides:
        return Picture(title, "Not in this run: there are no evaluation episodes.")
    says = {True: "success", False: "no success", None: "not scored"}
    counts = {name: Counter((e.ends[0].end, e.success) for e in episodes) for name, episodes in sides}
    kinds = [(end, known) for end in End for known in says if any(c[end, known] for c in counts.values())]
    rows = [
        [
            ENDING_TEXT[end],
            "terminal" if end.terminal else "cut",
            says[known],
            *(str(c[end, known]) for c in counts.values()),
        ]
        for end, known in kinds
    ]
    rows += [["all", "", "", *(str(sum(c.values())) for c in counts.values())]]
    note = "Terminal: nothing comes after. Cut: the record stops, and a learner may bootstrap."
    return Picture(title, note, table=Table(["ending", "kind", "outcome", *counts], rows))


def endings_over_rounds(record: Record) -> Picture:
    """How the paths of every round ended."""
    title = "Endings over the run"
    lines = [(x, line, line["ends"]) for x, line in places(record.lines) if line.get("ends")]
    if not lines:
        return Picture(title, "Not in this run: no line of metrics.jsonl has ends.")
    kinds = [end for end in End if any(ends.get(end.value) for _, _, ends in lines)]
    hues = {end: f"part{number}" for number, end in enumerate(kinds, 1)}

    def paint(axes: Axes) -> None:
        bottom = np.zeros(len(lines))
        for end in kinds:
            share = np.array([100 * ends.get(end.value, 0) / max(1, sum(ends.values())) for _, _, ends in lines])
            look = full(hues[end]) if end.terminal else hatched(hues[end])
            axes.bar([x for x, _, _ in lines], share, 0.86, bottom=bottom, **look)
            bottom += share
        level(axes)
        stage_axis(axes, record.lines)
        percent_axis(axes, True)

    legend = [Look("full" if end.terminal else "hatched", hues[end], ENDING_TEXT[end]) for end in kinds]
    head = ["stage", "round", *(end.value for end in kinds)]
    rows = [[*named(line), *(str(ends.get(end.value, 0)) for end in kinds)] for _, line, ends in lines]
    says = "Full: the world said that it is over. Hatched: cut, for the reason named."
    return Picture(title, says, draw("endings", paint), Table(head, rows), legend)


def full(hue: str) -> dict[str, Any]:
    """A bar of something final."""
    return {"color": colour(hue), "linewidth": 0}


def hatched(hue: str) -> dict[str, Any]:
    """A bar of something cut."""
    return {"facecolor": "none", "edgecolor": colour(hue), "hatch": "////", "linewidth": 1}
