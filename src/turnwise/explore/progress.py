"""Tasks that are being learned, and of those the interesting ones: OMNI's curriculum (specs/learn/omni).

s       = max(p - b, 0) / (1 - b)                        success p over that of a random player b
fast   <- (1 - a) * fast + a * s                         slow <- (1 - a) * slow + a * fast
f(p)    = (1 - theta) * p / (p + theta * (1 - 2 p))      lifts small p
progress = | f(fast) - f(slow) |
weight   = sigmoid(z-score of progress) over the tasks with any progress or success, 0 for others
           * `dull` where a judge calls the task boring
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Task
from turnwise.explore.curriculum import marks_of
from turnwise.explore.interest import Judge, nothing_is_boring


def lifted(p: np.ndarray | float, theta: float = 0.1) -> Any:
    """f(p): 0 and 1 stay, theta becomes 1/2."""
    return (1.0 - theta) * p / (p + theta * (1.0 - 2.0 * p))


def interesting_of(tasks: Sequence[Task], success: np.ndarray, judge: Judge) -> np.ndarray:
    """bool [tasks]: walks the tasks by falling success (equals by key); each that is not yet boring is interesting, and
    the judge says which of those still open are boring beside it.
    """
    order = sorted(range(len(tasks)), key=lambda i: (-success[i], tasks[i].key))
    boring: set[str] = set()
    chosen: list[Task] = []
    for place, number in enumerate(order):
        if tasks[number].key in boring:
            continue
        chosen.append(tasks[number])
        others = [tasks[i] for i in order[place + 1 :] if tasks[i].key not in boring]
        boring.update(judge(chosen, others))
    keys = {task.key for task in chosen}
    return np.array([task.key in keys for task in tasks])


@dataclass
class LearningProgress:
    """Draws tasks by learning progress and interestingness.

    A task's averages move once `every` episodes of it were played since they last moved. OMNI evaluates all tasks now
    and then with episodes of their own; here a round's episodes are the measurement, so nothing beside training is
    played, and `floor` keeps tasks measured that have no weight.

    Args:
        tasks: what there is to draw from.
        chance: success of a random player by task key; 0 where it is not given.
        judge: says what is boring.
        rate: a.
        theta: of the lifting.
        dull: factor of boring tasks.
        floor: share of a round that is drawn uniformly.
        every: episodes of a task that make a measurement.
    """

    tasks: Sequence[Task]
    chance: Mapping[str, float] = field(default_factory=dict)
    judge: Judge = nothing_is_boring
    rate: float = 0.1
    theta: float = 0.1
    dull: float = 1e-3
    floor: float = 0.1
    every: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1 or not 0 < self.theta < 1 or not 0 <= self.floor <= 1 or self.every < 1:
            raise TurnwiseError(
                f"rate = {self.rate}, theta = {self.theta}, floor = {self.floor}, every = {self.every}",
                "rate above 0 and at most 1, theta between 0 and 1, floor from 0 to 1, every of 1 or more",
            )
        self._number = {task.key: number for number, task in enumerate(self.tasks)}
        self._base = np.array([self.chance.get(task.key, 0.0) for task in self.tasks])
        if not (self._base.min() >= 0 and self._base.max() < 1):
            raise TurnwiseError("a task that a random player always solves", "success of chance from 0 to below 1")
        self.success, self.fast, self.slow = (np.zeros(len(self.tasks)) for _ in range(3))
        self._won, self._played = (np.zeros(len(self.tasks), np.int64) for _ in range(2))

    @property
    def progress(self) -> np.ndarray:
        """float64 [tasks]: how far the fast estimate has left the slow one, up or down."""
        return np.abs(lifted(self.fast, self.theta) - lifted(self.slow, self.theta))

    def weights(self) -> np.ndarray:
        """float64 [tasks], summing to 1, the floor left out; uniform before anything was learned."""
        progress = self.progress
        open_ = (progress > 0) | (self.success > 0)
        if not open_.any():
            return np.full(len(self.tasks), 1.0 / len(self.tasks))
        spread = progress[open_].std()
        z = (progress - progress[open_].mean()) / spread if spread > 0 else np.zeros(len(self.tasks))
        weight = np.where(open_, 1.0 / (1.0 + np.exp(-z)), 0.0)
        weight = weight * np.where(interesting_of(self.tasks, self.success, self.judge), 1.0, self.dull)
        return weight / weight.sum()

    def draw(self, count: int, rng: np.random.Generator) -> list[Task]:
        """Tasks of a round, drawn with replacement."""
        share = self.floor / len(self.tasks) + (1.0 - self.floor) * self.weights()
        return [self.tasks[i] for i in rng.choice(len(self.tasks), count, p=share).tolist()]

    def note(self, episodes: Sequence[Episode]) -> None:
        """Measure the tasks that were played often enough since the last time."""
        for key, marks in marks_of(episodes).items():
            number = self._number[key]
            self._won[number] += sum(marks)
            self._played[number] += len(marks)
        due = self._played >= self.every
        rate = self._won[due] / self._played[due]
        self.success[due] = np.maximum(rate - self._base[due], 0.0) / (1.0 - self._base[due])
        self.fast[due] += self.rate * (self.success[due] - self.fast[due])
        self.slow[due] += self.rate * (self.fast[due] - self.slow[due])
        self._won[due] = self._played[due] = 0

    def state(self) -> Any:
        """The averages, and what was counted since they moved."""
        held = {"success": self.success, "fast": self.fast, "slow": self.slow, "won": self._won, "played": self._played}
        return {name: array.tolist() for name, array in held.items()}

    def restore(self, state: Any) -> None:
        """What `state` gave."""
        self.success, self.fast, self.slow = (np.array(state[n], np.float64) for n in ("success", "fast", "slow"))
        self._won, self._played = (np.array(state[n], np.int64) for n in ("won", "played"))
