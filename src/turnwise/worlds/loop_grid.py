"""loop-grid as text: slippery steps on sixteen cells, told where one is."""

from __future__ import annotations

from turnwise.worlds import loop_grid_rules as rules
from turnwise.worlds.tabular_world import TabularWorld


class LoopGrid(TabularWorld):
    """Walk from 0,0 to 3,3 in twelve turns, around two walls; one move in ten is replaced by a random one.

    Reaching the goal earns 1. Any other text leaves one in place and passes the turn, without a slip.
    """

    name = "loop-grid"
    title = "walk a slippery grid where places come again (exact values)"
    problem = staticmethod(rules.problem)
    turns = rules.TURNS
    acts = tuple(f"{move}\n" for move in rules.MOVES)
    refusal = "no such move. "

    @staticmethod
    def tell(point: rules.State) -> str:
        return f"turn {point.t + 1} of {rules.TURNS}, at {point.x},{point.y}\n"
