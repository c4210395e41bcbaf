"""work-stop as text: going on costs, stopping pays, and when to stop is the player's choice."""

from __future__ import annotations

from turnwise.worlds import work_stop_rules as rules
from turnwise.worlds.tabular_world import TabularWorld


class WorkStop(TabularWorld):
    """Three parts can be done; work finishes one with probability .7, and every turn that does not stop costs .04.

    Stopping pays .3, .3, .4 or 1 for none to three parts; after ten turns without it there is no pay. "fluff", and any
    other text, does nothing but pass the turn at its cost.
    """

    name = "work-stop"
    title = "work while it pays, and choose when to stop (exact values)"
    problem = staticmethod(rules.problem)
    turns = rules.TURNS
    acts = tuple(f"{action}\n" for action in rules.ACTIONS)
    refusal = "no such act. "
    lapse_reward = -rules.WAITING

    @staticmethod
    def tell(point: rules.State) -> str:
        return f"turn {point.t + 1} of {rules.TURNS}, {point.progress} of {rules.ENOUGH} parts done\n"
