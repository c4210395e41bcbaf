"""spelled as text: words of three letters, one letter after the other, that only count as a whole."""

from __future__ import annotations

from turnwise.worlds import spelled_rules as rules
from turnwise.worlds.tabular_world import TabularWorld


class Spelled(TabularWorld):
    """Pass two doors in five turns by saying a word of three letters a, b, c a turn: "a c b\\n".

    Each door opens to a word of its own, sometimes to words that begin like it, and one of those sets off an alarm that
    ends everything. Passing the second door earns 1. Any other text does nothing but pass the turn. A tokenizer
    of single bytes (a scratch model without a corpus) spends several tokens a turn.
    """

    name = "spelled"
    title = "open two doors with words spelled letter by letter (exact values per letter)"
    problem = staticmethod(rules.problem)
    turns = rules.TURNS
    acts = tuple(" ".join(word) + "\n" for word in rules.WORDS)
    refusal = "no such word. "

    @staticmethod
    def tell(point: rules.State) -> str:
        return f"turn {point.t + 1} of {rules.TURNS}, at door {point.door + 1}\n"
