"""work-submit as text: work until it is done, then hand it in."""

from __future__ import annotations

from turnwise.worlds import work_submit_rules as rules
from turnwise.worlds.tabular_world import TabularWorld


class WorkSubmit(TabularWorld):
    """Three parts are to be done; work finishes one with probability .7. Handing in all three earns 1, fewer nothing.

    It has to come within ten turns. "fluff", and any other text, does nothing but pass the turn.
    """

    name = "work-submit"
    title = "work until it is done, then hand it in (exact values)"
    problem = staticmethod(rules.problem)
    turns = rules.TURNS
    acts = tuple(f"{action}\n" for action in rules.ACTIONS)
    refusal = "no such act. "

    @staticmethod
    def tell(point: rules.State) -> str:
        return f"turn {point.t + 1} of {rules.TURNS}, {point.progress} of {rules.ENOUGH} parts done\n"
