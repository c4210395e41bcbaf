"""Imitation of one's own successes, drawn from all rounds: TTI's learner (specs/learn/tti)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from turnwise.core.chance import generator
from turnwise.core.types import Batch, Update
from turnwise.learn.success_pool import SuccessPool
from turnwise.learn.weights.imitation import Imitation


class ReplayedImitation:
    """Learner: the batch's episodes join the pool; imitate `draw` of the pool.

    Args:
        imitation: fits what is drawn.
        pool: what has succeeded so far.
        draw: episodes imitated per round, at most.
    """

    needs = Imitation.needs
    slot = Imitation.slot

    def __init__(self, imitation: Imitation, pool: SuccessPool, draw: int):
        self.imitation, self.pool, self.draw = imitation, pool, draw
        self.rounds = 0

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """One update; a round before the first success changes nothing but the version."""
        self.pool.add(batch.episodes)
        self.rounds += 1
        drawn = self.pool.draw(generator(self.imitation.seed, "replay", self.rounds), self.draw)
        kept = {"kept": float(len(batch.episodes)), "pool": float(len(self.pool)), "drawn": float(len(drawn))}
        if drawn:
            (update,) = self.imitation.learn(Batch(drawn), progress)
            return [Update(self.slot, update.before, update.after, {**update.change, **kept}, "imitation of successes")]
        policy = self.imitation.policy
        policy.version += 1
        return [Update(self.slot, policy.version - 1, policy.version, kept, "no success yet")]

    def save(self, directory: Path) -> None:
        """Optimiser, round, and the whole pool."""
        self.imitation.save(directory)
        (directory / "replay.rounds").write_text(str(self.rounds))
        self.pool.save(directory / "pool.parquet")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.imitation.load(directory)
        self.rounds = int((directory / "replay.rounds").read_text())
        self.pool.load(directory / "pool.parquet")
