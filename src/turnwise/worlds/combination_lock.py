"""combination-lock as text: nothing is earned unless every single turn was right."""

from __future__ import annotations

from turnwise.core.errors import TurnwiseError
from turnwise.worlds import combination_lock_rules as rules
from turnwise.worlds.tabular import Tabular
from turnwise.worlds.tabular_world import TabularWorld


class CombinationLock(TabularWorld):
    """A row of dials, one a turn, each with one right digit of three, the same in every episode.

    A wrong digit, or any other text, jams the lock, and the turns that are left move nothing. Turning the last dial of
    a lock that is not jammed opens it and earns 1. The scripted player `good` turns each dial right with probability
    .8, and so opens a lock of ten once in ten episodes; a blind one once in 59,049.

    Args:
        length: dials, and turns.
    """

    name = "combination-lock"
    title = "open a lock that one wrong digit jams, after ten right ones (exact values)"
    turns = rules.LENGTH
    acts = tuple(f"turn to {digit}\n" for digit in rules.DIGITS)
    refusal = "that is no digit. "
    demonstrator = "good"

    def __init__(self, length: int = rules.LENGTH):
        if length < 2:
            raise TurnwiseError(f"length = {length}", "at least 2 dials", "set a larger number")
        self.length = self.turns = length

    def settings(self) -> dict[str, int]:
        """What it was made with."""
        return {"length": self.length}

    def problem(self) -> Tabular:
        """The table of this length."""
        return rules.problem(self.length)

    def lapse(self, point: rules.State) -> rules.State | None:
        """Anything else than a digit is a wrong one."""
        return None if point.t == self.length - 1 else rules.State(point.t + 1, 1)

    def tell(self, point: rules.State) -> str:
        return f"dial {point.t + 1} of {self.length}{', jammed' if point.jammed else ''}\n"
