"""key-corridor as text: an early lever gives the key without which the last one opens nothing."""

from __future__ import annotations

from turnwise.core.errors import TurnwiseError
from turnwise.worlds import key_corridor_rules as rules
from turnwise.worlds.tabular import Tabular
from turnwise.worlds.tabular_world import TabularWorld


class KeyCorridor(TabularWorld):
    """Some turns, four levers. The first lever gives a key in the third turn, and with it opens the door in the last.

    Opening earns 1. Every other move, and any other text, does nothing but pass the turn.

    Args:
        turns: how many. A blind player wins as often in a long corridor as in a short one; only the way from the key to
            the door grows.
    """

    name = "key-corridor"
    title = "take a key early that only the last turn needs (exact values)"
    turns = rules.TURNS
    acts = tuple(f"lever {number}\n" for number in range(4))
    refusal = "no such lever. "

    def __init__(self, turns: int = rules.TURNS):
        if turns < rules.KEY_TURN + 2:
            raise TurnwiseError(
                f"turns = {turns}",
                f"at least {rules.KEY_TURN + 2}: the door comes after the key",
                "set a larger number",
            )
        self.turns = turns

    def problem(self) -> Tabular:
        """The table of this length."""
        return rules.problem(self.turns)

    def tell(self, point: rules.State) -> str:
        return f"turn {point.t + 1} of {self.turns}, {'with the' if point.key else 'no'} key\n"
