"""A scripted player in a seat: a rule that computes what to say from what is seen, with nothing to learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.protocols import View
from turnwise.core.types import Act, Message

Rule = Callable[[View, np.random.Generator], str]
"""From a view and draws of its own to the text said; worlds list theirs as `World.experts`."""


class ScriptedAgent:
    """Seats a rule.

    Args:
        rule: what to say; it sees the view alone, so it cannot use hidden facts.
        name: for the record.
    """

    slots: tuple[str, ...] = ()

    def __init__(self, rule: Rule, name: str = "scripted"):
        self.rule, self.name = rule, name

    async def act(self, view: View, carry: Any) -> Act:
        """What the rule says, with draws from the view's own key."""
        text = self.rule(view, generator(view.chance_key))
        return Act(Message("assistant", text))

    def fork(self, carry: Any) -> Any:
        """A rule carries nothing."""
        return None

    def close(self, carry: Any) -> None:
        """A rule holds nothing."""
