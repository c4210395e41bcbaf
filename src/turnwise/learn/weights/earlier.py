"""A learner, and the policy as it was before the last batch: who plays a share of the next round
(specs/learn/multi_turn_dpo_kto).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from turnwise.core.types import Batch, Update
from turnwise.learn.weights.policy_gradient import frozen
from turnwise.models.policy import Policy


class Earlier:
    """Learner: another one.

    Args:
        inner: what learns.
        policy: whose weights it changes.
    """

    slot = "weights"

    def __init__(self, inner: Any, policy: Policy):
        self.inner, self.policy, self.needs = inner, policy, inner.needs
        self.before: Policy | None = None  # None until something was learned

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """The inner learner's updates."""
        self.before = frozen(self.policy)
        return self.inner.learn(batch, progress)

    def save(self, directory: Path) -> None:
        """The inner learner, and the earlier policy."""
        self.inner.save(directory)
        if self.before is not None:
            self.before.save(directory / "earlier")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.inner.load(directory)
        if (directory / "earlier").is_dir():
            stored = Policy.load(directory / "earlier", device=self.policy.device, dtype=self.policy.dtype)
            self.before = frozen(stored)
