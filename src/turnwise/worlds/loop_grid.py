"""loop-grid as text: slippery steps on sixteen cells, told where one is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from turnwise.core.types import Episode
from turnwise.worlds import loop_grid_rules as rules
from turnwise.worlds.tabular_world import TabularWorld


class LoopGrid(TabularWorld):
    """Walk from 0,0 to 3,3 in twelve turns, around two walls; one move in ten is replaced by a random one.

    Reaching the goal earns 1. Any other text leaves one in place and passes the turn, without a slip.

    Three rewards can be told apart (`components`): `goal`, the one that counts; `nearer`, steps gained towards it;
    `bump`, -1 for a turn that leaves one where one was.
    """

    name = "loop-grid"
    title = "walk a slippery grid where places come again (exact values)"
    problem = staticmethod(rules.problem)
    turns = rules.TURNS
    acts = tuple(f"{move}\n" for move in rules.MOVES)
    refusal = "no such move. "
    rewards = ("goal", "nearer", "bump")

    @staticmethod
    def tell(point: rules.State) -> str:
        return f"turn {point.t + 1} of {rules.TURNS}, at {point.x},{point.y}\n"

    def components(self, episode: Episode, leaf: int = 0) -> Mapping[str, np.ndarray]:
        """Goal, way and walls. Where time ran out nobody was told where the last step led: it counts as neither."""
        earned = super().components(episode, leaf)["reward"]
        cells = [(point.x, point.y) for point in self.points(episode, leaf)]
        if not cells:
            return dict.fromkeys(self.rewards, earned)
        shown = [message.text for message in episode.ends[leaf].seen.get("agent", ())]
        told = self.played.number.get(shown[-1]) if shown else None
        end = None if told is None else self.played.table.points[told]
        then = [*cells[1:], (end.x, end.y) if end else rules.GOAL if earned[-1] else cells[-1]]
        gained = [rules.distance(*here) - rules.distance(*there) for here, there in zip(cells, then, strict=True)]
        stayed = np.array([here == there for here, there in zip(cells, then, strict=True)], float)
        stayed[-1] *= end is not None
        return {"goal": earned, "nearer": np.array(gained, float), "bump": -stayed}
