"""Tasks that became easy are played no more: RAPO's pruning (specs/learn/rapo)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Task
from turnwise.explore.curriculum import marks_of


@dataclass
class Pruning:
    """Tasks in turn; after each pass over those that are left, the ones solved so often leave for good.

    The last ones never all leave: where every task of a pass was easy, the pass is played again.

    Args:
        tasks: what there is to play.
        easy: share of a pass's paths that succeeded from which on a task is easy; above 1: none ever is.
    """

    tasks: Sequence[Task]
    easy: float = 0.9
    pruned: set[str] = field(default_factory=set)
    drawn: int = 0  # tasks of this pass drawn so far
    solved: dict[str, list[int]] = field(default_factory=dict)  # key -> successes and paths of this pass

    def __post_init__(self) -> None:
        if self.easy <= 0:
            raise TurnwiseError(f"easy = {self.easy}", "a share above 0", "RAPO prunes from 0.9 on; above 1 nothing")

    def draw(self, count: int, rng: np.random.Generator) -> list[Task]:
        """The next ones of those that are left."""
        left = [task for task in self.tasks if task.key not in self.pruned]
        found = [left[(self.drawn + n) % len(left)] for n in range(count)]
        self.drawn += count
        return found

    def note(self, episodes: Sequence[Episode]) -> None:
        """Count; at the end of a pass, prune."""
        for key, marks in marks_of(episodes).items():
            counts = self.solved.setdefault(key, [0, 0])
            counts[0] += sum(marks)
            counts[1] += len(marks)
        left = [task.key for task in self.tasks if task.key not in self.pruned]
        if self.drawn < len(left):
            return
        easy = {key for key, (won, played) in self.solved.items() if won >= self.easy * played}
        if not easy.issuperset(left):
            self.pruned |= easy
        self.drawn, self.solved = 0, {}

    def state(self) -> Any:
        """Who left, and how far the pass is."""
        return {"pruned": sorted(self.pruned), "drawn": self.drawn, "solved": self.solved}

    def restore(self, state: Any) -> None:
        """What `state` gave."""
        self.pruned, self.drawn = set(state["pruned"]), state["drawn"]
        self.solved = {key: list(counts) for key, counts in state["solved"].items()}
