"""Watching a run: a live table in a terminal, a line per round elsewhere; Ctrl-C stops it after the round.

Everything goes to standard error, so that standard output holds the result alone.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleRenderable, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

BARS = "▁▂▃▄▅▆▇█"
BAR = 16  # columns of a bar
MOST_LINES = 50  # lines that a stage leaves where there is no terminal


@dataclass
class StageState:
    """One row of the table."""

    name: str
    rounds: int
    done: int = 0
    first: int = 0  # rounds that were there already when this run of the program began
    part: str = ""
    share: float = 0.0
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    last: Mapping[str, Any] | None = None
    successes: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Since the stage began, to its end."""
        return (self.ended or time.monotonic()) - self.began

    @property
    def left(self) -> float | None:
        """Seconds that the rest of the stage should take at the pace so far; None before the first round."""
        here = self.done - self.first
        return self.seconds / here * (self.rounds - self.done) if here else None


class Display:
    """Implements `turnwise.core.progress.Progress`.

    Args:
        console: of standard error.
        patient: whether a first Ctrl-C waits for the end of the round; what has no rounds stops at once.
    """

    def __init__(self, console: Console, patient: bool = True):
        self.console, self.patient, self.stop = console, patient, False
        self.stages: list[StageState] = []
        self.label = ""
        self._live: Live | None = None

    def begin(self, label: str) -> None:
        """Another run begins: the one before leaves a line, and the table starts anew."""
        if self.stages and self.console.is_terminal:
            self.console.print(line(self.stages[-1], self.label), markup=False, style="dim")
        self.label, self.stages = label, []

    def stage(self, name: str, rounds: int) -> None:
        """A stage begins."""
        self.stages.append(StageState(name, rounds))

    def part(self, what: str, share: float) -> None:
        """How far the round is, inside one of its parts."""
        now = self.stages[-1]
        now.part, now.share = what, share

    def round(self, record: Mapping[str, Any]) -> None:
        """A round is on disk."""
        now = self.stages[-1]
        if now.last is None:
            now.first = record["round"]
        now.done, now.last, now.part, now.share = record["round"] + 1, record, "", 0.0
        if record["success"]["value"] is not None:
            now.successes.append(record["success"]["value"])
        if now.done == now.rounds:
            now.ended = time.monotonic()
        every = -(-now.rounds // MOST_LINES)
        if self._live is None and (now.done % every == 0 or now.done == now.rounds):
            self.console.print(line(now, self.label), markup=False, soft_wrap=True)

    def __rich__(self) -> ConsoleRenderable:
        """The table, drawn several times a second."""
        if not self.stages:
            return Text("preparing ...", style="dim") if self._live else Group()
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(width=BAR)
        grid.add_column(justify="right", no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
        for number, stage in enumerate(self.stages):
            grid.add_row(*cells(stage, number == len(self.stages) - 1))
        return Group(Text(self.label, style="bold"), grid) if self.label else grid

    @contextmanager
    def watching(self) -> Iterator[Display]:
        """Show the table until the end, and take Ctrl-C as a wish to stop: once after the round, twice at once."""
        before = signal.getsignal(signal.SIGINT)

        def interrupted(*_: Any) -> None:
            if self.stop or not self.patient or not self.stages:
                raise KeyboardInterrupt
            self.stop = True
            self.console.print("stopping after this round; Ctrl-C again stops at once", style="yellow")

        signal.signal(signal.SIGINT, interrupted)
        try:
            if self.console.is_terminal:
                with Live(self, console=self.console, refresh_per_second=5) as self._live:
                    try:
                        yield self
                    finally:
                        self._live = None
            else:
                yield self
        finally:
            signal.signal(signal.SIGINT, before)


def cells(stage: StageState, active: bool) -> list[ConsoleRenderable | str]:
    """Name, bar, rounds, success, its course, time."""
    last = stage.last
    inside = stage.share if stage.rounds == 1 and not stage.done else 0.0
    bar = ProgressBar(total=stage.rounds, completed=stage.done + inside, width=BAR, pulse=not (stage.done or inside))
    rate = Text()
    if last is not None:
        rate.append(f"{success_text(last)}")
    part = f"{stage.part} {stage.share:.0%}" if active and stage.part else ""
    course = Text(sparkline(stage.successes), style="cyan") if stage.rounds > 1 else Text("")
    return [
        Text(stage.name),
        bar,
        f"{stage.done}/{stage.rounds}",
        rate,
        course,
        Text(clock_text(stage, part), style="dim"),
    ]


def clock_text(stage: StageState, part: str) -> str:
    """What goes on, episodes per second, and the time that is left or was taken."""
    told = [part] if part else []
    if stage.last is not None and not part:
        told.append(speed_text(stage.last))
    if stage.ended is not None:
        told.append(duration(stage.seconds))
    elif stage.left is not None:
        told.append(f"{duration(stage.left)} left")
    else:
        told.append(duration(stage.seconds))
    return "  ".join(told)


def line(stage: StageState, label: str = "") -> str:
    """A round as one line of text."""
    assert stage.last is not None
    left = f", {duration(stage.left)} left" if stage.ended is None and stage.left is not None else ""
    name = f"{label} {stage.name}".strip()
    return f"{name} {stage.done}/{stage.rounds}: {success_text(stage.last)}, {speed_text(stage.last)}{left}"


def success_text(record: Mapping[str, Any]) -> str:
    """Success with its interval; the return where the world does not say what success is."""
    name = "success" if record["success"]["value"] is not None else "return"
    found = record[name]
    if found["value"] is None:
        return "not scored"
    between = "" if found["low"] is None else f" [{found['low']:.2f}, {found['high']:.2f}]"
    return f"{name} {found['value']:.2f}{between}"


def speed_text(record: Mapping[str, Any]) -> str:
    """Episodes per second of sampling."""
    return f"{record['episodes'] / max(record['seconds'].get('sample', 0.0), 1e-9):,.0f} ep/s"


def sparkline(values: list[float], width: int = 10) -> str:
    """Rates as a row of bars, from 0 to 1, means of neighbours where there are more than fit."""
    if len(values) > width:
        cuts = [round(i * len(values) / width) for i in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
    return "".join(BARS[min(len(BARS) - 1, int(v * len(BARS)))] for v in values)


def duration(seconds: float) -> str:
    """0:07, 12:30, 1:02:03."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
