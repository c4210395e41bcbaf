"""key-corridor as text: an early lever gives the key without which the last one opens nothing."""

from __future__ import annotations

from turnwise.worlds import key_corridor_rules as rules
from turnwise.worlds.tabular_world import TabularWorld


class KeyCorridor(TabularWorld):
    """Eight turns, four levers. The first lever gives a key in the third turn, and with it opens the door in the last.

    Opening earns 1. Every other move, and any other text, does nothing but pass the turn.
    """

    name = "key-corridor"
    title = "take a key early that only the last turn needs (exact values)"
    problem = staticmethod(rules.problem)
    turns = rules.TURNS
    acts = tuple(f"lever {number}\n" for number in range(4))
    refusal = "no such lever. "

    @staticmethod
    def tell(point: rules.State) -> str:
        return f"turn {point.t + 1} of {rules.TURNS}, {'with the' if point.key else 'no'} key\n"
