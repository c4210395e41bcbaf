"""The truth about the maze: exact values of any policy that knows its place, by backward induction over the moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.worlds.exact import Exact, Law, asked
from turnwise.worlds.maze_rules import MOVES, Cell

if TYPE_CHECKING:
    from turnwise.worlds.maze import Maze


@dataclass(frozen=True)
class MazeValues:
    """True expected returns, undiscounted; cells in row-major order, moves left, right, up, down."""

    values: np.ndarray  # float64 [max_steps + 1, cells]: after t steps, at a cell; 0 at the goal
    q: np.ndarray  # float64 [max_steps, cells, 4]: after t steps, at a cell, if this move comes first
    illegal: np.ndarray  # float64 [max_steps, cells]: if an illegal text comes first
    cells: tuple[Cell, ...]
    starts: tuple[Cell, ...]

    def mean(self) -> float:
        """Expected return of an episode that begins on a uniform start."""
        return float(np.mean([self.values[0, self.cells.index(cell)] for cell in self.starts]))


def exact_values(world: Maze, law: np.ndarray | None = None) -> MazeValues:
    """Values of a policy.

    Args:
        world: its layout, rewards and step limit count; what is shown does not.
        law: [cells, 4] or [max_steps, cells, 4] probabilities of the four legal moves, what lacks to 1 going to
            illegal texts, which move nothing; None for the best policy.
    """
    layout, limit = world.sight.layout, world.max_steps
    goal = layout.number[layout.goal]
    after = np.array([layout.after[move] for move in MOVES]).T  # [cells, 4]
    values = np.empty((limit + 1, len(layout.cells)))
    q, illegal = np.empty((limit, *after.shape)), np.empty((limit, len(layout.cells)))
    values[limit] = -1.0  # the turn that moves nothing and fails
    values[limit, goal] = 0.0
    for t in range(limit - 1, -1, -1):
        q[t] = np.where(after == goal, world.goal_reward, world.step_reward + values[t + 1][after])
        illegal[t] = world.illegal_reward + values[t + 1]
        q[t, goal] = illegal[t, goal] = 0.0
        if law is None:
            values[t] = q[t].max(1)
        else:
            now = law if law.ndim == 2 else law[t]
            values[t] = (now * q[t]).sum(1) + (1.0 - now.sum(1)) * illegal[t]
    return MazeValues(values, q, illegal, layout.cells, layout.starts)


def exact(world: Maze, law: Law | None) -> Exact:
    """The values of a policy that reads the views of a maze, situation by situation: (t, cell), the goal left out.

    Raises:
        TurnwiseError: a view does not tell the cell, or holds more than the newest text.
    """
    layout, limit, texts = world.sight.layout, world.max_steps, world.sight.texts
    if len(set(texts)) < len(texts) or world.last_k != 1:
        raise TurnwiseError(
            f"{world.name} in which a view is no place (describe={world.describe!r}, last_k={world.last_k})",
            "texts that tell the position, and only the newest in view",
            "make it with describe='position' and last_k=1",
        )
    rows = None if law is None else asked(law, world.views, len(MOVES))
    found = exact_values(world, None if rows is None else rows[:, :-1])
    if rows is None:
        best = found.q >= found.q.max(-1, keepdims=True) - 1e-12
        policy = np.concatenate([best / best.sum(-1, keepdims=True), np.zeros((limit, len(texts), 1))], -1)
    else:
        policy = np.repeat(rows[None], limit, axis=0)
    q = np.concatenate([found.q, found.illegal[:, :, None]], -1)
    last = np.full((1, *q.shape[1:]), -1.0)  # whatever is said fails
    at = [layout.number[cell] for cell in layout.starts]
    start = np.zeros((limit + 1, len(at)))
    start[0] = 1.0 / len(at)
    return Exact(
        acts=tuple(MOVES),
        read=world.read,
        number={(t, texts[cell]): t * len(at) + i for t in range(limit + 1) for i, cell in enumerate(at)},
        v=found.values[:, at].ravel(),
        q=np.concatenate([q, last])[:, at].reshape(-1, q.shape[-1]),
        policy=np.concatenate([policy, policy[-1:]])[:, at].reshape(-1, q.shape[-1]),
        start=start.ravel(),
    )
