"""A world's rewards told apart: one signal per name, for rules that keep them apart (specs/learn/slim_multi_critic)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from turnwise.core.types import Episode, Signal


class Paying(Protocol):
    """The part of a world that is asked."""

    def components(self, episode: Episode, leaf: int = 0) -> Mapping[str, np.ndarray]:
        """Rewards of the agent's turns on a path by name, float64 [turns] each."""
        ...


@dataclass(frozen=True)
class Components:
    """Feedback: for every reward of the world, a signal of its name at each turn of the agent.

    Args:
        world: says what each turn earned.
        units: factors by name, of rewards that are to count in another unit.
    """

    world: Paying
    units: Mapping[str, float] = field(default_factory=dict)
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn and reward; a turn that several paths share is judged once, on the first."""
        signals: dict[tuple[str, int, str], Signal] = {}
        for episode in episodes:
            for leaf in range(len(episode.ends)):
                turns = [index for index in episode.path(leaf) if episode.turns[index].seat == "agent"]
                for name, earned in self.world.components(episode, leaf).items():
                    for turn, value in zip(turns, earned * self.units.get(name, 1.0), strict=True):
                        said = Signal(episode.id, name, turn, leaf, value=float(value), source="the world's rewards")
                        signals.setdefault((episode.id, turn, name), said)
        return list(signals.values())
