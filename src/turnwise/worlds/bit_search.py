"""bit-search as text: ask noisily for hidden bits, told how often each answer came."""

from __future__ import annotations

from turnwise.worlds import bit_search_rules as rules
from turnwise.worlds.tabular_world import TabularWorld


class BitSearch(TabularWorld):
    """Find three hidden bits. Questions are answered rightly with a probability that is told; the text keeps the tally.

    "answer" guesses each bit by the majority of its answers, a tie by a coin, and earns 1 if all three are right. It
    has to come within seven turns. "chat", and any other text, does nothing but pass the turn.
    """

    name = "bit-search"
    title = "ask for three bits that are answered noisily, then name them (exact values)"
    problem = staticmethod(rules.problem)
    turns = rules.TURNS
    hidden = tuple("".join(map(str, fact)) for fact in rules.FACTS)
    acts = tuple(f"{action}\n" for action in rules.ACTIONS)
    refusal = "no such move. "

    @staticmethod
    def tell(point: rules.State) -> str:
        tally = " ".join(f"{count:+d}" for count in point.counts)
        return f"turn {point.t + 1} of {rules.TURNS}, {point.q:.0%} right, ones minus zeros {tally}\n"
