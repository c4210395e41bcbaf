"""Agent-R: imitate good paths and revisions, in which the mistake stays in the context and carries no loss
(specs/learn/agent_r).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from turnwise.core.types import Batch, Episode, Signal, Update
from turnwise.learn.revision import NAME
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.models.policy import Policy


@dataclass
class Mixture:
    """What is imitated in a round: straight episodes, the mask beside them, and what became of the pairs."""

    episodes: list[Episode] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    told: dict[str, float] = field(default_factory=dict)  # counts and means for the record


Mix = Callable[[Sequence[Episode], Sequence[Signal]], Mixture]


class AgentR:
    """Learner: from trees to the policy that goes back.

    Args:
        policy: whose weights change.
        mix: from a round's trees, and what was said of them, to what is imitated.
        how: of imitation.
        seed: orders the minibatches.
    """

    needs = frozenset[str]()
    slot = "weights"

    def __init__(self, policy: Policy, mix: Mix, how: ImitationSettings, seed: int):
        self.policy, self.mix = policy, mix
        self.imitation = Imitation(policy, replace(how, wrong=NAME), seed)

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """One update; a round in which nothing can be learned changes nothing but the version."""
        mixture = self.mix(batch.episodes, batch.signals)
        if not mixture.episodes:
            self.policy.version += 1
            return [Update(self.slot, self.policy.version - 1, self.policy.version, mixture.told, "no good path")]
        (update,) = self.imitation.learn(Batch(mixture.episodes, mixture.signals), progress)
        return [replace(update, change={**update.change, **mixture.told}, why="imitation of revisions")]

    def save(self, directory: Path) -> None:
        """Optimiser and count; what is imitated is made of each round's trees alone."""
        self.imitation.save(directory)

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.imitation.load(directory)
