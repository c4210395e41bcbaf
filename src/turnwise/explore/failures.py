"""Tasks that nobody solved come back: DeepTravel's failure replay (specs/learn/deeptravel).

The TASK is played again with the policy of the day; the old episodes never enter the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Task
from turnwise.explore.curriculum import marks_of


@dataclass
class FailureReplay:
    """Fresh tasks in turn, and every few rounds a share of tasks that failed.

    A task whose paths all failed enters the buffer; solved once, it leaves. One that was replayed `tries` times in vain
    is given up (`given_up`), until a fresh turn of it is solved. Where the buffer holds too few, fresh tasks fill up.

    Args:
        tasks: what there is to play.
        share: of a replaying round that comes from the buffer; 0 is plain training.
        every: rounds from one replay to the next.
        tries: replays of one task, at most.
    """

    tasks: Sequence[Task]
    share: float = 0.25
    every: int = 5
    tries: int = 10
    failed: dict[str, int] = field(default_factory=dict)  # key -> how often it was replayed
    given_up: set[str] = field(default_factory=set)
    rounds: int = 0  # drawn so far
    fresh: int = 0  # fresh tasks drawn so far

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.every < 1 or self.tries < 1:
            raise TurnwiseError(
                f"share = {self.share}, every = {self.every}, tries = {self.tries}",
                "a share from 0 to 1, 1 or more rounds and tries",
            )
        self._task = {task.key: task for task in self.tasks}

    def draw(self, count: int, rng: np.random.Generator) -> list[Task]:
        """Replayed tasks first, none of them twice, then fresh ones."""
        self.rounds += 1
        wanted = int(count * self.share) if self.rounds % self.every == 0 else 0
        there = sorted(self.failed)
        again = [there[i] for i in rng.permutation(len(there))[:wanted].tolist()]
        for key in again:
            self.failed[key] += 1
        new = [self.tasks[(self.fresh + n) % len(self.tasks)] for n in range(count - len(again))]
        self.fresh += len(new)
        return [*(self._task[key] for key in again), *new]

    def note(self, episodes: Sequence[Episode]) -> None:
        """Who enters the buffer, who leaves it, who is given up."""
        for key, marks in marks_of(episodes).items():
            if any(marks):
                self.failed.pop(key, None)
                self.given_up.discard(key)
            elif self.failed.get(key, 0) >= self.tries:
                del self.failed[key]
                self.given_up.add(key)
            elif key not in self.given_up:
                self.failed.setdefault(key, 0)

    def state(self) -> Any:
        """Buffer and counters."""
        return {
            "failed": self.failed,
            "given_up": sorted(self.given_up),
            "rounds": self.rounds,
            "fresh": self.fresh,
        }

    def restore(self, state: Any) -> None:
        """What `state` gave."""
        self.failed, self.given_up = dict(state["failed"]), set(state["given_up"])
        self.rounds, self.fresh = state["rounds"], state["fresh"]
