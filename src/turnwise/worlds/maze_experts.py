"""Scripted players of the maze, from random to optimal, in every view; each reads only the conversation.

Exact returns over the 25 starts with coordinates: `optimal` -6.84, `random` -85.89. By walls alone: -7.24 and the same.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds.maze_plan import plan_of
from turnwise.worlds.maze_rules import MOVES, Layout, Sight, members

MOVE_TEXTS = tuple(MOVES)


class Mix:
    """With probability `share` the best move, else a uniform one of the four; optionally never leaving a part.

    With `inside`, moves that could leave the part of the maze one is in (see `parts`) are not made: the published
    data was drawn so that no trajectory crosses, and only stitching them leads from an arm to the goal.
    """

    def __init__(self, sight: Sight, share: float, inside: bool = False):
        self.sight, self.share, self.inside = sight, share, inside
        self.plan, self.part = plan_of(sight), parts(sight.layout)

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        knows = self.share > 0.0 or self.inside
        bits = self.sight.belief(view.messages) if knows else 0
        move = self.plan.best(bits) if rng.random() < self.share else MOVE_TEXTS[rng.integers(4)]
        if self.inside and not self._stays(bits, move):
            staying = [m for m in MOVE_TEXTS if self._stays(bits, m)]
            return staying[rng.integers(len(staying))]
        return move

    def _stays(self, bits: int, move: str) -> bool:
        after = self.sight.layout.after[move]
        return all(self.part[cell] == self.part[after[cell]] for cell in members(bits))


@cache
def parts(layout: Layout) -> tuple[int, ...]:
    """A part number per cell: what hangs together once the cell `cut` is taken out, which goes with the goal."""
    part = [-1] * len(layout.cells)
    cut = layout.number.get(layout.cut) if layout.cut else None
    for first in range(len(part)):
        reached = [first] if part[first] < 0 and first != cut else []
        for cell in reached:
            part[cell] = first
            nearby = {after[cell] for after in layout.after.values()}
            reached += [n for n in nearby if part[n] < 0 and n != cut and n not in reached]
    if cut is not None:
        part[cut] = part[layout.number[layout.goal]]
    return tuple(part)


EXPERTS = {
    "half-random": lambda world: Mix(world.sight, share=0.5),
    "mix": lambda world: Mix(world.sight, share=0.15),
    "mix-submaze": lambda world: Mix(world.sight, share=0.15, inside=True),
    "optimal": lambda world: Mix(world.sight, share=1.0),
    "random": lambda world: Mix(world.sight, share=0.0),
}
