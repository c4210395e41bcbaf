"""bit-naming as text: ask noisily for hidden bits, told how often each answer came, and say what they are."""

from __future__ import annotations

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Task
from turnwise.worlds import bit_naming_rules as rules
from turnwise.worlds.tabular import Tabular
from turnwise.worlds.tabular_world import TabularWorld


class BitNaming(TabularWorld):
    """Find four hidden bits and name them: "0 1 1 0\\n" earns 1 if all are right, and ends the game.

    Questions ("ask 2\\n") are answered rightly with a known probability; the text keeps the tally. Naming has to come
    within the turns. "chat", and any other text, does nothing but pass the turn.

    Args:
        turns: how many.
        right: probability that an answer about a bit is right.
    """

    name = "bit-naming"
    title = "ask for four bits that are answered noisily, and name them (exact values)"
    turns = rules.TURNS
    hidden = rules.CODES
    acts = tuple(f"{action}\n" for action in rules.ACTIONS)
    refusal = "no such move. "

    def __init__(self, turns: int = rules.TURNS, right: float = rules.RIGHT):
        if turns < 1 or not 0.5 < right < 1.0:
            raise TurnwiseError(
                f"turns = {turns}, right = {right}", "a turn or more, answers right more often than not, never surely"
            )
        self.turns, self.right = turns, float(right)

    def problem(self) -> Tabular:
        """The table of this length and noise."""
        return rules.problem(self.turns, self.right)

    def tell(self, point: rules.State) -> str:
        tally = " ".join(f"{count:+d}" for count in point.counts)
        return f"turn {point.t + 1} of {self.turns}, ones minus zeros {tally}\n"

    def answer(self, task: Task) -> str:
        """The hidden bits."""
        return task.params["fact"] + "\n"
