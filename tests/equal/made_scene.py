"""What the tests of the credit benchmark play: a scene of a tabular world, its whole table in short."""

from __future__ import annotations

import numpy as np

from turnwise.bench.credit.rules import ROWS
from turnwise.bench.credit.run import problem_of
from turnwise.bench.credit.sampling import play
from turnwise.bench.credit.scene import Scene
from turnwise.worlds.tabular import mixed, solve


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def scene_of(world: str, groups: int = 16, seed: int = 0, policy: float = 0.4) -> Scene:
    problem = problem_of(world)
    values = solve(problem, mixed(problem, policy))
    played = play(problem, values.policy, groups, 8, rng(seed))
    return Scene(played, values, lambda: play(problem, values.policy, groups, 8, rng(seed + 1)), rng(seed + 2))


def row_of(name: str):
    return next(row for row in ROWS if row.name == name)
