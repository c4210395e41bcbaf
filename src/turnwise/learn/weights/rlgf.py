"""RLGF's learner: PPO on the learner's turns, and a critic for what the guide goes on to earn (specs/learn/rlgf)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from turnwise.core.types import Batch, CreditTable, Episode, Update
from turnwise.credit.rule import CreditRule
from turnwise.credit.whiten import Whiten
from turnwise.learn.credited import RowValues
from turnwise.learn.hands import Hands, Trains, handed_credit
from turnwise.learn.sequences import Row
from turnwise.learn.weights.guide_critic import GuideCritic
from turnwise.learn.weights.policy_gradient import PolicyGradient


class Rlgf:
    """Learner: a policy gradient that no turn of the guide enters, then the guide's critic on the same episodes.

    Args:
        gradient: of the policy, whose value head is the learner's critic.
        critic: of the guide.
        writer: who signs the guide's turns.
    """

    slot = "weights"

    def __init__(self, gradient: PolicyGradient, critic: GuideCritic, writer: str):
        self.gradient, self.critic, self.writer = gradient, critic, writer
        self.needs = gradient.needs

    def credit(self, rule: CreditRule, episodes: Sequence[Episode], trains: Trains, over: Whiten) -> CreditTable:
        """See `handed_credit`."""
        hands, rows = Hands(episodes, self.writer), self.gradient.rows(episodes)
        return handed_credit(rule, hands, rows, self._values, self.critic.values, trains, over)

    def _values(self, rows: Sequence[Row]) -> Sequence[RowValues]:
        found = self.gradient.values(rows)
        assert found is not None, "the policy has a value head"
        return found

    def guided(self, episodes: Sequence[Episode]) -> list[Row]:
        """The rows of guide's turns from which the guide went on to the end."""
        rows, hands = self.gradient.rows(episodes), Hands(episodes, self.writer)
        signed = zip(rows, hands.guided_rows(rows), strict=True)
        return [row for row, guided in signed if guided and hands.guide_ends(row.episode)]

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """One update of the slot `weights`."""
        (update,) = self.gradient.learn(batch, progress)
        shared = sum(any(t.message.writer == self.writer for t in e.turns) for e in batch.episodes)
        change = {"shared_episodes": float(shared), **self.critic.learn(batch.episodes, self.guided(batch.episodes))}
        return [Update(self.slot, update.before, update.after, {**update.change, **change}, update.why)]

    def save(self, directory: Path) -> None:
        """Both."""
        self.gradient.save(directory)
        self.critic.save(directory)

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.gradient.load(directory)
        self.critic.load(directory)
