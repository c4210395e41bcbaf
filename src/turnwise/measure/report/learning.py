"""Figures of how it was learned: the health of every update, and where the time went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from turnwise.measure.report.endings import full
from turnwise.measure.report.outcomes import named, percent_axis, places, stage_axis
from turnwise.measure.report.page import Look, Picture, Table, plain, short
from turnwise.measure.report.record import Record, number_of
from turnwise.measure.report.svg import colour, draw, level


@dataclass(frozen=True)
class Gauge:
    """One number of every update: what it is and how to read it."""

    name: str  # key in `update` of a line of metrics
    title: str
    says: str
    percent: bool = False
    logarithmic: bool = False


GAUGES = (
    Gauge(
        "zero_credit_share",
        "Trainable tokens without credit",
        "Share of sampled tokens whose credit is exactly zero: they teach nothing. Near 100 %, all episodes of a task "
        "end alike.",
        percent=True,
    ),
    Gauge(
        "gradient_norm",
        "Gradient norm",
        "Before clipping, mean over the round's steps. Watch for jumps and for zero.",
    ),
    Gauge(
        "entropy",
        "Entropy of the policy",
        "Nats per sampled token. Falling to zero early means that it stopped exploring.",
    ),
    Gauge(
        "logprob_gap",
        "Sampler against trainer",
        "Largest difference, in nats, between the log-probability at sampling and at training. Rounding is about "
        "1e−6 in 32-bit; more means that the two disagree about the policy.",
        logarithmic=True,
    ),
)
"""Shown always; where one is missing the report says so."""

EXTRAS = (
    Gauge("loss", "Loss", "As the learner reports it."),
    Gauge("surrogate", "Surrogate loss", "The policy's part of the loss."),
    Gauge("kl", "KL to the reference", "Nats per token: how far the policy went from where the stage began."),
    Gauge("clip_fraction", "Clipped tokens", "Share of tokens whose ratio left the trust region.", percent=True),
    Gauge("value_loss", "Value loss", "Error of the critic, as the learner weighs it."),
    Gauge(
        "value_explained",
        "Variance that the critic explains",
        "1 is a critic that knows what comes; 0 one that says the mean; below 0 its credit is worse than none.",
    ),
    Gauge(
        "value_clip_fraction",
        "Clipped values",
        "Share of states whose value moved further than its clip.",
        percent=True,
    ),
    Gauge("kept_share", "Episodes with something to say", "Share whose credit was large enough to learn from.", True),
    Gauge(
        "kl_sampler",
        "KL to the sampler",
        "Nats per episode after the round's last pass: how far its steps went from the policy that played.",
    ),
    Gauge("episode_tokens", "Tokens said in an episode", "Steady growth with the reward is padding that pays."),
    Gauge(
        "perplexity",
        "Perplexity to the policy",
        "Of what it said, on average. Near 1 it says the same every time; a jump is a policy that broke.",
    ),
    Gauge(
        "start_perplexity",
        "Perplexity to the start",
        "Of what it said, to the policy it started from. Rising while the reward rises, it is the sign of an exploit.",
    ),
)
"""Shown where the learner reports them."""

PARTS = ("sample", "judge", "credit", "learn", "save", "evaluate")


def gauges(record: Record) -> list[Picture]:
    """The health of the updates."""
    there = {name for line in record.training for name in (line.get("update") or {})}
    return [gauge(record, g) for g in (*GAUGES, *(g for g in EXTRAS if g.name in there))]


def gauge(record: Record, g: Gauge) -> Picture:
    """One number over the rounds; gaps where a round has none."""
    lines = record.training
    values = [number_of(line, "update", g.name) for line in lines]
    if all(v is None for v in values):
        return Picture(g.title, f"Not in this run: no line of metrics.jsonl has update.{g.name}.")
    factor = 100 if g.percent else 1

    def paint(axes: Axes) -> None:
        placed = [x for x, _ in places(lines)]
        for stage in dict.fromkeys(line.get("stage") for line in lines):
            at = [i for i, line in enumerate(lines) if line.get("stage") == stage]
            y = np.array([np.nan if values[i] is None else values[i] for i in at], float) * factor
            axes.plot(
                [placed[i] for i in at], y, color=colour("train"), marker="o" if len(at) <= 20 else "", markersize=4
            )
        level(axes)
        stage_axis(axes, lines)
        gauge_axis(axes, g, [v * factor for v in values if v is not None])

    rows = [[*named(line), short(v)] for line, v in zip(lines, values, strict=True)]
    return Picture(g.title, g.says, draw(f"gauge-{g.name}", paint, 2.2), Table(["stage", "round", g.name], rows))


def gauge_axis(axes: Axes, g: Gauge, values: list[float]) -> None:
    """From zero up where that is honest, by powers of ten where sizes are what matters."""
    if g.logarithmic and min(values) > 0:
        axes.set_yscale("log")
        axes.set_ylim(min(values) / 3, max(values) * 3)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.0e}".replace("e-0", "e−").replace("e+0", "e")))
        axes.yaxis.set_minor_locator(NullLocator())
        return
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.08 * (high - low) or 1.0
    axes.set_ylim(low - room * (low < 0), high + room)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    percent_axis(axes, g.percent)


def other_numbers(record: Record) -> Table | None:
    """What learners report and no figure shows: first and last round of each stage."""
    shown = {g.name for g in (*GAUGES, *EXTRAS)}
    rows = []
    for stage in dict.fromkeys(line.get("stage") for line in record.training):
        lines = [line for line in record.training if line.get("stage") == stage]
        for name in dict.fromkeys(n for line in lines for n in (line.get("update") or {}) if n not in shown):
            ends = (short(number_of(line, "update", name)) for line in (lines[0], lines[-1]))
            rows.append([str(stage), name, *ends])
    return Table(["stage", "number", "first round", "last round"], rows) if rows else None


def time_picture(record: Record) -> Picture:
    """Seconds of each stage by part."""
    title, parts = "Time by part", parts_of(record.lines)
    if not parts:
        return Picture(title, "Not in this run: no line of metrics.jsonl has seconds.")
    stages = list(dict.fromkeys(str(line.get("stage")) for line in record.lines))
    spent = {stage: seconds_of(record, stage) for stage in stages}
    unit, factor = ("minutes", 60) if max(sum(s.values()) for s in spent.values()) >= 180 else ("seconds", 1)

    def paint(axes: Axes) -> None:
        left = np.zeros(len(stages))
        for number, part in enumerate(parts, 1):
            width = np.array([spent[stage].get(part, 0.0) for stage in stages]) / factor
            axes.barh(range(len(stages)), width, 0.6, left=left, **full(f"part{min(number, 7)}"))
            left += width
        axes.set_yticks(range(len(stages)), stages)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit)

    total = sum(sum(s.values()) for s in spent.values())
    rows = [
        [stage, *(plain(spent[stage].get(p, 0.0), 2) for p in parts), plain(sum(spent[stage].values()), 2)]
        for stage in stages
    ]
    says = f"{duration(total)} in all, as measured; the one thing here that another machine does not repeat."
    svg = draw("time", paint, 0.42 * len(stages) + 0.9)
    return Picture(
        title,
        says + speed(record),
        svg,
        Table(["stage", *(f"{p}, s" for p in parts), "all, s"], rows),
        time_legend(parts),
    )


def time_per_round(record: Record) -> Picture:
    """Seconds of each round by part: a run that slows down shows here."""
    title, lines = "Seconds per round", [line for line in record.lines if line.get("seconds")]
    if not lines:
        return Picture(title, "Not in this run: no line of metrics.jsonl has seconds.")
    parts = parts_of(lines)

    def paint(axes: Axes) -> None:
        x, bottom = [x for x, _ in places(lines)], np.zeros(len(lines))
        for number, part in enumerate(parts, 1):
            height = np.array([number_of(line, "seconds", part) or 0.0 for line in lines])
            axes.bar(x, height, 0.86, bottom=bottom, **full(f"part{min(number, 7)}"))
            bottom += height
        level(axes)
        stage_axis(axes, lines)

    rows = [[*named(line), *(plain(number_of(line, "seconds", p) or 0.0, 2) for p in parts)] for line in lines]
    table = Table(["stage", "round", *(f"{p}, s" for p in parts)], rows)
    return Picture(
        title, "A run that slows down shows here.", draw("time-rounds", paint, 2.2), table, time_legend(parts)
    )


def parts_of(lines: Sequence[dict[str, Any]]) -> list[str]:
    """Parts that took time, in their usual order."""
    there = list(dict.fromkeys(part for line in lines for part in line.get("seconds") or {}))
    return [p for p in PARTS if p in there] + [p for p in there if p not in PARTS]


def time_legend(parts: Sequence[str]) -> list[Look]:
    """Colours of the parts."""
    return [Look("full", f"part{min(number, 7)}", part) for number, part in enumerate(parts, 1)]


def seconds_of(record: Record, stage: str) -> dict[str, float]:
    """Seconds by part, summed over a stage's rounds."""
    spent: dict[str, float] = {}
    for line in record.lines:
        if str(line.get("stage")) == stage:
            for part in line.get("seconds") or {}:
                spent[part] = spent.get(part, 0.0) + (number_of(line, "seconds", part) or 0.0)
    return spent


def speed(record: Record) -> str:
    """How fast tokens were sampled, where metrics say it."""
    pairs = [(number_of(line, "tokens", "written"), number_of(line, "seconds", "sample")) for line in record.lines]
    known = [(w, s) for w, s in pairs if w and s]
    if not known:
        return ""
    rate = sum(w for w, _ in known) / sum(s for _, s in known)
    return f" Sampling wrote {short(rate)} tokens a second."


def duration(seconds: float) -> str:
    """Seconds, for people."""
    if seconds < 180:
        return f"{short(seconds)} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 10_800 else f"{seconds / 3600:.1f} hours"
