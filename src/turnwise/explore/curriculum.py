"""What curricula over tasks share: they choose the tasks of a round from what earlier rounds gave.

A curriculum's state is a function of the episodes that it was told of and of nothing else. It is a few numbers per
task, kept in the checkpoint of the round (`save`, `load`), so a run that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from turnwise.core.types import End, Episode, Task


class Curriculum(Protocol):
    """Which tasks a round plays."""

    def draw(self, count: int, rng: np.random.Generator) -> list[Task]:
        """The tasks of the next round; one may stand twice."""
        ...

    def note(self, episodes: Sequence[Episode]) -> None:
        """Learn from what a round gave."""
        ...

    def state(self) -> Any:
        """All that `note` has changed, JSON values."""
        ...

    def restore(self, state: Any) -> None:
        """Stand where `state` stood."""
        ...


FILE = "curriculum.json"


def save(curriculum: Curriculum, directory: Path) -> None:
    """Write a curriculum's state into a checkpoint."""
    (directory / FILE).write_text(json.dumps(curriculum.state()))


def load(curriculum: Curriculum, directory: Path) -> None:
    """What `save` wrote."""
    curriculum.restore(json.loads((directory / FILE).read_text()))


def marks_of(episodes: Sequence[Episode]) -> dict[str, list[bool]]:
    """Task key -> whether each of its paths succeeded; every path of a tree counts, and none that broke or that the
    world did not score.
    """
    found: dict[str, list[bool]] = {}
    for episode in episodes:
        for leaf in episode.ends:
            mark = leaf.facts.get("success")
            if mark is not None and leaf.end is not End.ERROR:
                found.setdefault(episode.task.key, []).append(bool(mark))
    return found
