"""All solutions so far, task by task; what was solved once is never lost (specs/learn/bfs_prover_v2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from turnwise.core.columns import to_bytes
from turnwise.core.errors import TurnwiseError
from turnwise.core.parquet import episodes_table, read_episodes
from turnwise.core.types import Episode


class Solutions:
    """Straight successful episodes of every task, oldest first.

    Args:
        most: of one task; the newest stay.
    """

    def __init__(self, most: int):
        if most < 1:
            raise TurnwiseError(f"most = {most}", "at least 1 solution of each task")
        self.most = most
        self.held: dict[str, list[Episode]] = {}

    def __len__(self) -> int:
        return sum(len(found) for found in self.held.values())

    @property
    def all(self) -> list[Episode]:
        """Every solution, task by task in the order in which they were first solved."""
        return [episode for found in self.held.values() for episode in found]

    def add(self, found: Iterable[Episode]) -> None:
        """New solutions; one that says what an older one says takes its place."""
        for episode in found:
            others = [e for e in self.held.get(episode.task.key, []) if texts(e) != texts(episode)]
            self.held[episode.task.key] = [*others, episode][-self.most :]

    def prove_again(self, found: Sequence[Episode]) -> None:
        """Of each task the shortest solution alone, of the new ones where there are any; a task without a new one keeps
        the shortest that it had.
        """
        again: dict[str, list[Episode]] = {}
        for episode in found:
            again.setdefault(episode.task.key, []).append(episode)
        self.held = {
            task: [min(again.get(task, self.held.get(task, [])), key=lambda e: len(e.turns))]
            for task in [*self.held, *(task for task in again if task not in self.held)]
        }

    def save(self, path: Path) -> None:
        """The episodes, as a run folder keeps them."""
        path.write_bytes(to_bytes(episodes_table(self.all, "solutions", 0)))

    def load(self, path: Path) -> None:
        """What `save` wrote."""
        self.held = {}
        for episode in read_episodes(str(path)):
            self.held.setdefault(episode.task.key, []).append(episode)


def texts(episode: Episode) -> tuple[str, ...]:
    """What was said."""
    return tuple(turn.message.text for turn in episode.turns)
