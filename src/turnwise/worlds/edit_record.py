"""What has happened in an episode of the world `edit` so far, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from turnwise.users.culprit import Culprit
from turnwise.worlds.edit_users import Edit

ENOUGH = 0.5
"""An episode succeeds if so many of its drafts are accepted as they are (ours)."""


@dataclass(frozen=True, slots=True)
class Record:
    """Sums over the rounds; frozen, so that branches share it."""

    rounds: int = 0
    accepted: int = 0
    cost: int = 0  # words
    words: int = 0  # of all drafts
    met: float = 0.0  # shares, summed
    overlooked: int = 0  # attributes that the user let pass by a slip

    def after(self, draft: str, edit: Edit) -> Record:
        """One round later."""
        return replace(
            self,
            rounds=self.rounds + 1,
            accepted=self.accepted + (edit.cost == 0),
            cost=self.cost + edit.cost,
            words=self.words + len(draft.split()),
            met=self.met + edit.met,
            overlooked=self.overlooked + len(edit.overlooked),
        )

    def summary(self) -> dict[str, Any]:
        """Facts of the end."""
        return {
            "success": self.accepted >= ENOUGH * self.rounds,
            "cost": self.cost,
            "cost_per_word": self.cost / max(1, self.words),
            "accepted_share": self.accepted / self.rounds,
            "met_share": self.met / self.rounds,
        }

    def culprit(self, kinds: int) -> Culprit:
        """Of an episode that failed.

        user: it overlooked something that it wants. limit: with one draft of each kind edited, too few rounds are left
        for the rest to be enough. agent: otherwise.
        """
        if self.overlooked:
            return "user"
        return "limit" if self.rounds - kinds < ENOUGH * self.rounds else "agent"
