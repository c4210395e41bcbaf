"""hidden-type as text: win somebody's consent, told how warmly each way of speaking was met."""

from __future__ import annotations

from turnwise.worlds import hidden_type_rules as rules
from turnwise.worlds.tabular_world import TabularWorld


class HiddenType(TabularWorld):
    """Ask, offer or insist until the other consents, which earns 1, or leaves; six turns at most.

    The other is open, hesitant or wary, and takes each act in the manner of its type; the text keeps the tally of its
    warm and cool reactions. "wait", and any other text, does nothing but pass the turn.
    """

    name = "hidden-type"
    title = "win the consent of a person whose type shows only in noisy reactions (exact values)"
    problem = staticmethod(rules.problem)
    turns = rules.TURNS
    hidden = rules.TYPES
    acts = tuple(f"{action}\n" for action in rules.ACTIONS)
    refusal = "no such act. "

    @staticmethod
    def tell(point: rules.State) -> str:
        tally = "; ".join(
            f"{act} {warm} warm {cool} cool"
            for act, warm, cool in zip(rules.SPEECH, point.warm, point.cool, strict=True)
        )
        return f"turn {point.t + 1} of {rules.TURNS}: {tally}\n"
