"""A learner whose tasks are mined anew each round, and how far they are those of the round before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from turnwise.core.types import Batch, Update
from turnwise.learn.deficiency import kept_again


class Mined:
    """Learner: another one, whose updates also say how many `tasks` a round had and, from the second round on, which
    share of them was `kept_again`.

    Args:
        inner: what learns.
    """

    slot = "weights"

    def __init__(self, inner: Any):
        self.inner, self.needs = inner, inner.needs
        self.before: list[str] | None = None

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """One update per update of the inner learner."""
        now = list(dict.fromkeys(episode.task.key for episode in batch.episodes))
        told = {"tasks": float(len(now))}
        if self.before is not None:
            told["kept_again"] = kept_again(now, self.before)
        self.before = now
        return [replace(update, change={**update.change, **told}) for update in self.inner.learn(batch, progress)]

    def save(self, directory: Path) -> None:
        """The inner learner, and the tasks of the last round."""
        self.inner.save(directory)
        (directory / "mined.json").write_text(json.dumps(self.before))

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.inner.load(directory)
        self.before = json.loads((directory / "mined.json").read_text())
