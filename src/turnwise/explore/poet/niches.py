"""Environments and who lives in them: what is too easy or too hard, what is new, who descends from whom."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.explore.poet.course import Course
from turnwise.explore.poet.evolution import Learner
from turnwise.worlds.grows import Settings

REMEMBERED = 5  # scores of a pair whose best a newcomer must beat


@dataclass(frozen=True)
class Criterion:
    """The minimal criterion: neither too hard nor too easy, both ends included; POET: 25 and 340 of its walker."""

    low: float = 25.0
    high: float = 340.0

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise TurnwiseError(f"a criterion from {self.low} to {self.high}", "low no larger than high")

    def admits(self, score: float) -> bool:
        """Whether a score lies between the ends."""
        return self.low <= score <= self.high


@dataclass(eq=False)
class Niche:
    """An environment that was admitted; it stays in the archive for good."""

    number: int  # in the archive
    settings: Settings
    vector: np.ndarray  # float64 [D]
    course: Course = field(repr=False)
    parent: int | None  # number of the niche that bred it
    born: int  # iteration
    new: bool = False  # when it was admitted it was neither too easy nor too hard for the best agent there ever was
    solved: int | None = None  # iteration in which an agent was first seen to solve it
    solver: np.ndarray | None = field(default=None, repr=False)  # float64 [D]: that agent


@dataclass(eq=False)
class Pair:
    """An active environment and the agent that learns in it."""

    niche: Niche
    learner: Learner
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))  # the last scores, oldest first

    @property
    def score(self) -> float:
        """The last score; below any other before the first."""
        return self.recent[-1] if self.recent else -np.inf

    @property
    def mark(self) -> float:
        """What a newcomer must beat: the best of the last five scores."""
        return max(self.recent, default=-np.inf)


def novelty(vector: np.ndarray, archive: Sequence[np.ndarray], nearest: int = 5) -> float:
    """Mean Euclidean distance to the nearest few in the archive, all of them where it holds fewer."""
    distances = np.sort(np.linalg.norm(np.asarray(archive) - vector, axis=1))
    return float(distances[:nearest].mean())


def ancestors(niche: Niche, archive: Sequence[Niche]) -> list[int]:
    """Numbers from the first environment of all down to this one."""
    chain = [niche.number]
    while (parent := archive[chain[-1]].parent) is not None:
        chain.append(parent)
    return chain[::-1]
