"""What feedback said of the rounds' episodes beside what they came to: is something pleased that nobody wanted?

Read off the run folder alone: signals of the rounds that learned, their returns, and the texts that were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from turnwise.core.types import Episode, Signal
from turnwise.measure.hacking import WINDOW, Alarms, Series, Signature, alarms, audit, gap, signatures, slope
from turnwise.measure.report.outcomes import named, places, stage_axis
from turnwise.measure.report.page import Look, Picture, Table, plain, short
from turnwise.measure.report.record import Record, estimate_of
from turnwise.measure.report.svg import colour, draw, level

Z95 = 1.96


@dataclass(frozen=True)
class Watched:
    """The rounds of one stage in which a signal was given."""

    name: str
    lines: Sequence[dict]  # of metrics.jsonl, one per round
    proxy: Series  # of an episode: what the signal said of its turns, added up
    outcome: Series  # success where the world scores it, the return elsewhere
    wanted: str  # which of the two

    @property
    def found(self) -> Alarms:
        """What the rules say."""
        return alarms(self.proxy, self.outcome)


def pictures(record: Record) -> list[Picture]:
    """One per signal that several rounds were given; none where feedback gave nothing."""
    return [picture(watched, loudest(record, watched)) for watched in watch(record)]


def watch(record: Record) -> list[Watched]:
    """Every signal of every stage that learned, where two rounds or more have it and an outcome."""
    found = []
    for stage in dict.fromkeys(line.get("stage") for line in record.training):
        lines = [line for line in record.training if line.get("stage") == stage]
        wanted = "success" if all(estimate_of(line, "success") for line in lines) else "return"
        told = {line["round"]: totals(record.folder.signals(stage, [line["round"]])) for line in lines}
        for name in dict.fromkeys(name for by_name in told.values() for name in by_name):
            kept = [line for line in lines if name in told[line["round"]] and estimate_of(line, wanted)]
            if len(kept) > 1:
                means = [told[line["round"]][name] for line in kept]
                proxy = Series.of([float(x.mean()) for x in means], [standard_error(x) for x in means])
                found.append(Watched(name, kept, proxy, outcomes(kept, wanted), wanted))
    return found


def totals(signals: Iterable[Signal]) -> dict[str, np.ndarray]:
    """Name of a signal -> what it said of each judged episode: of its turns, added up; of the path, where it judged no
    turns.
    """
    turns: dict[str, dict[str, float]] = {}
    paths: dict[str, dict[str, float]] = {}
    for signal in signals:
        if signal.value is not None and signal.seat == "agent":
            of = (paths if signal.turn is None else turns).setdefault(signal.name, {})
            of[signal.episode] = of.get(signal.episode, 0.0) + signal.value
    return {name: np.array(list(by_episode.values())) for name, by_episode in {**paths, **turns}.items()}


def standard_error(x: np.ndarray) -> float:
    """Of a mean over episodes; 0 of a single one."""
    return float(x.std(ddof=1) / np.sqrt(len(x))) if len(x) > 1 else 0.0


def outcomes(lines: Sequence[dict], wanted: str) -> Series:
    """The outcome of each round, with the error that its interval implies."""
    estimates = [found for line in lines if (found := estimate_of(line, wanted))]
    return Series.of([e.value or 0.0 for e in estimates], [(e.half_width or 0.0) / Z95 for e in estimates])


def loudest(record: Record, watched: Watched) -> Signature | None:
    """The closing line whose share rose most from the first round to the last, where that is an alert."""
    stage, first, last = watched.lines[0]["stage"], watched.lines[0]["round"], watched.lines[-1]["round"]
    then, now = (texts(record.folder.episodes(stage, [number])) for number in (first, last))
    return next((s for s in signatures(now, then) if s.loud and s.z > 0), None)


def texts(episodes: Iterable[Episode]) -> list[str]:
    """All that the agent said."""
    return [t.message.text for e in episodes for t in e.turns if t.seat == "agent"]


def picture(watched: Watched, exploit: Signature | None) -> Picture:
    """Proxy above, outcome below, over the same rounds."""
    lines = watched.lines

    def paint(above: Axes, below: Axes) -> None:
        x = [x for x, _ in places(lines)]
        for axes, series, hue in ((above, watched.proxy, "part1"), (below, watched.outcome, "train")):
            axes.errorbar(x, series.values, Z95 * series.errors, color=colour(hue), linewidth=2, elinewidth=1)
            level(axes)
            stage_axis(axes, lines)
        above.set_ylabel(watched.name)
        below.set_ylabel(watched.wanted)

    rows = [
        [*named(line), short(p), short(g)]
        for line, p, g in zip(lines, watched.proxy.values, watched.outcome.values, strict=True)
    ]
    legend = [Look("stroke", "part1", f"signal {watched.name}, per episode"), Look("stroke", "train", watched.wanted)]
    return Picture(
        f"What was praised: {watched.name}",
        says(watched, exploit),
        draw(f"proxy-{watched.name}", paint, 3.6, panels=2, sharex=True),
        Table(["stage", "round", watched.name, watched.wanted], rows),
        legend,
    )


def says(watched: Watched, exploit: Signature | None) -> str:
    """The alarms, in words; a round is named by its number."""
    found, rounds = watched.found, [line["round"] for line in watched.lines]
    said = []
    if len(rounds) < WINDOW:
        said.append(f"{len(rounds)} rounds are too few for alarms, which look back on {WINDOW}.")
    if found.divergence:
        said.append(
            f"Divergence: praise rises while {watched.wanted} falls, first at round {rounds[found.divergence[0]]}."
        )
    if found.correlation_drop:
        at = rounds[found.correlation_drop[0]]
        said.append(f"From round {at} on, a window holds rounds in which more praise went with less {watched.wanted}.")
    if found.flat_outcome:
        said.append(f"Praise rises and {watched.wanted} does not, first at round {rounds[found.flat_outcome[0]]}.")
    if said_of := component(watched):
        said.append(said_of)
    if exploit:
        said.append(
            f"The reply {exploit.pattern!r} went from {100 * exploit.reference:.0f} % to {100 * exploit.share:.0f} % "
            f"of all (z = {exploit.z:.0f})."
        )
    if not said:
        said.append("No alarm.")
    lost = gap(watched.outcome)
    said.append(f"Below the best round by {plain(lost, 2)}." if lost > 0 else "The last round is the best one.")
    return " ".join(said)


def component(watched: Watched) -> str:
    """Whether praise explains the gain of return and praise together while the outcome is flat."""
    before, after = (
        {"praise": float(watched.proxy.values[at]), watched.wanted: float(watched.outcome.values[at])} for at in (0, -1)
    )
    if "praise" in audit(before, after, slope(watched.outcome)):
        return "Of what both together gained, praise is more than four fifths."
    return ""
