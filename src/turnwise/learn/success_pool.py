"""All successes so far, and how they are drawn again: TTI's replay (specs/learn/tti).

    weight of the k-th of n:  mix * (k + 1) / sum(k + 1)  +  (1 - mix) * (1 / successes of its task), normalised

Nothing ever leaves the pool. Episodes that failed never enter, so they contribute nothing at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from turnwise.core.columns import to_bytes
from turnwise.core.errors import TurnwiseError
from turnwise.core.parquet import episodes_table, read_episodes
from turnwise.core.types import Episode


def successes(episodes: Sequence[Episode], shortest: float = 1.0) -> list[Episode]:
    """The episodes that succeeded; of each task only the share `shortest` with the fewest turns, one at least."""
    if not 0.0 < shortest <= 1.0:
        raise TurnwiseError(f"shortest = {shortest}", "a share above 0 and at most 1", "1.0 keeps every success")
    of_task: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if episode.success:
            of_task[episode.task.key].append(episode)
    kept = {
        e.id
        for found in of_task.values()
        for e in sorted(found, key=lambda e: len(e.turns))[: max(1, int(len(found) * shortest))]
    }
    return [e for e in episodes if e.id in kept]


def replay_weights(tasks: Sequence[str], mix: float = 0.5) -> np.ndarray:
    """float64 [n], summing to 1: `mix` on recency, the rest on balance between tasks.

    Args:
        tasks: key of each episode's task, oldest first.
    """
    count = Counter(tasks)
    recency = np.arange(1.0, len(tasks) + 1)
    balance = np.array([1.0 / count[task] for task in tasks])
    return mix * recency / recency.sum() + (1.0 - mix) * balance / balance.sum()


class SuccessPool:
    """Successes, oldest first.

    Args:
        mix: weight of recency, from 0 to 1; the rest balances tasks.
    """

    def __init__(self, mix: float = 0.5):
        if not 0.0 <= mix <= 1.0:
            raise TurnwiseError(f"mix = {mix}", "a number from 0 (balance between tasks alone) to 1 (recency alone)")
        self.mix = mix
        self.held: list[Episode] = []

    def __len__(self) -> int:
        return len(self.held)

    def add(self, episodes: Sequence[Episode]) -> None:
        """Append successes."""
        self.held.extend(episodes)

    def draw(self, rng: np.random.Generator, most: int) -> list[Episode]:
        """`most` of them by weight, none twice; all where there are no more. In the order in which they came."""
        if len(self.held) <= most:
            return list(self.held)
        weights = replay_weights([e.task.key for e in self.held], self.mix)
        return [self.held[i] for i in sorted(rng.choice(len(self.held), most, replace=False, p=weights).tolist())]

    def save(self, path: Path) -> None:
        """The episodes, as a run folder keeps them."""
        path.write_bytes(to_bytes(episodes_table(self.held, "pool", 0)))

    def load(self, path: Path) -> None:
        """What `save` wrote."""
        self.held = list(read_episodes(str(path)))
