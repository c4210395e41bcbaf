"""The truth about the maze: exact values of any policy that knows its place, by backward induction over the moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turnwise.worlds.maze import Maze
from turnwise.worlds.maze_rules import MOVES, Cell


@dataclass(frozen=True)
class Exact:
    """True expected returns, undiscounted; cells in row-major order, moves left, right, up, down."""

    values: np.ndarray  # float64 [max_steps + 1, cells]: after t steps, at a cell; 0 at the goal
    q: np.ndarray  # float64 [max_steps, cells, 4]: after t steps, at a cell, if this move comes first
    cells: tuple[Cell, ...]
    starts: tuple[Cell, ...]

    def mean(self) -> float:
        """Expected return of an episode that begins on a uniform start."""
        return float(np.mean([self.values[0, self.cells.index(cell)] for cell in self.starts]))


def exact_values(world: Maze, law: np.ndarray | None = None) -> Exact:
    """Values of a policy.

    Args:
        world: its layout, rewards and step limit count; what is shown does not.
        law: [cells, 4] or [max_steps, cells, 4] probabilities of the four legal moves; None for the best policy.
    """
    layout, limit = world.sight.layout, world.max_steps
    goal = layout.number[layout.goal]
    after = np.array([layout.after[move] for move in MOVES]).T  # [cells, 4]
    values = np.empty((limit + 1, len(layout.cells)))
    q = np.empty((limit, *after.shape))
    values[limit] = -1.0  # the turn that moves nothing and fails
    values[limit, goal] = 0.0
    for t in range(limit - 1, -1, -1):
        q[t] = np.where(after == goal, world.goal_reward, world.step_reward + values[t + 1][after])
        q[t, goal] = 0.0
        if law is None:
            values[t] = q[t].max(1)
        else:
            values[t] = ((law if law.ndim == 2 else law[t]) * q[t]).sum(1)
    return Exact(values, q, layout.cells, layout.starts)
