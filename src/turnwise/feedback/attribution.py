"""A judge that says how much each utterance mattered, from 0 to 3, and how the whole dialogue went (Sotopia-RL).

It knows the truth where a world's exact values are known: how critical an utterance was is how much it changed what
could be expected, for better or worse, and never in which direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.types import Episode, Signal
from turnwise.feedback.optimum import Known

GOAL, MOST = "goal", 3


@dataclass(frozen=True)
class Attribution:
    """Feedback: the signal `goal` of a turn is its share, a whole number from 0 to 3; of a path, its score in [0, 10].

    Args:
        known: exact values; those of the policy that one compares with.
        full: change of the expected return that counts as most critical, in reward units.
        best: return that is worth a score of 10; 0 is worth 0.
        noise: probability that a share is drawn evenly instead.
        seed: of that noise.

    Source: arXiv 2508.03905, specs/credit/sotopia-rl, "Shows that it works".
    """

    known: Known
    full: float = 0.5
    best: float = 1.0
    noise: float = 0.0
    seed: int = 0
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn, one per path."""
        signals: dict[tuple[str, int | None, int], Signal] = {}
        for episode in episodes:
            for leaf in range(len(episode.ends)):
                score = 10.0 * float(np.clip(episode.total(leaf=leaf) / self.best, 0.0, 1.0))
                signals[episode.id, None, leaf] = Signal(episode.id, GOAL, None, leaf, value=score, source="judge")
                if not (path := episode.path(leaf)):
                    continue
                for turn, gain in zip(path, self.known.advantages(episode, leaf), strict=True):
                    said = Signal(episode.id, GOAL, turn, leaf, value=self.share(episode, turn, gain), source="judge")
                    signals.setdefault((episode.id, turn, 0), said)
        return list(signals.values())

    def share(self, episode: Episode, turn: int, gain: float) -> float:
        """How critical an utterance was that changed the expected return by so much."""
        if self.noise:
            rng = generator(self.seed, "attribution", episode.id, turn)
            if rng.random() < self.noise:
                return float(rng.integers(MOST + 1))
        return float(round(min(abs(gain) / self.full, 1.0) * MOST))
