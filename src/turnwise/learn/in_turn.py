"""Several learners on the same batch, one after the other: clone first, then learn what the clone's words are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from turnwise.core.types import Batch, Update


class InTurn:
    """Learner: each learns from the whole batch, and is made when its turn comes, so that it begins from what those
    before it have learned.

    Args:
        makers: in order; each gives a learner.
    """

    slot = "weights"
    needs = frozenset[str]()

    def __init__(self, makers: Sequence[Callable[[], Any]]):
        self.makers, self.learners = makers, list[Any]()

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """The updates of all of them, in order."""
        updates: list[Update] = []
        for number, make in enumerate(self.makers):
            if number == len(self.learners):
                self.learners.append(make())
            updates += self.learners[number].learn(batch, self._share(number, progress))
        return updates

    def _share(self, number: int, progress: Callable[[float], None] | None) -> Callable[[float], None] | None:
        return None if progress is None else lambda share: progress((number + share) / len(self.makers))

    def save(self, directory: Path) -> None:
        """Each in a folder with its number."""
        for number, learner in enumerate(self.learners):
            place = directory / str(number)
            place.mkdir()
            learner.save(place)

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.learners = [make() for make in self.makers]
        for number, learner in enumerate(self.learners):
            learner.load(directory / str(number))
