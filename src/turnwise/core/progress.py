"""Who watches a run, and how long its parts take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Progress(Protocol):
    """Who watches. All methods may be no-ops; `stop` turns true when a person asked to stop after this round."""

    stop: bool

    def stage(self, name: str, rounds: int) -> None: ...
    def part(self, what: str, share: float) -> None: ...
    def round(self, record: Mapping[str, Any]) -> None: ...


class Silent:
    """Nobody watches."""

    stop = False

    def stage(self, name: str, rounds: int) -> None: ...
    def part(self, what: str, share: float) -> None: ...
    def round(self, record: Mapping[str, Any]) -> None: ...


def counting(progress: Progress, what: str, expected: int) -> Callable[[Any], None]:
    """To be called with each thing that is finished: tells which share of the expected number is done."""
    done = 0

    def finished(_: Any) -> None:
        nonlocal done
        done += 1
        progress.part(what, done / expected)

    return finished


class Clock:
    """Seconds since the last lap."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def lap(self, name: str, into: dict[str, float]) -> None:
        """Book the time since the last lap under a name."""
        now = time.perf_counter()
        into[name] = into.get(name, 0.0) + now - self.last
        self.last = now
