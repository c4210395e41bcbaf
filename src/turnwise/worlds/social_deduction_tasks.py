"""The tasks of social deduction: who plays, who the impostor is, what is to do (specs/worlds/social-deduction)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.types import Task
from turnwise.worlds.social_deduction_rules import COLOURS, IMPOSTOR

if TYPE_CHECKING:
    from turnwise.worlds.social_deduction import SocialDeduction


def drawn(world: SocialDeduction, split: str, base: int, variant: int) -> Task:
    """One task: what the agent sees at first hangs on the base; who the impostor is and what others have to do, on the
    variant too.
    """
    seen, hidden = generator(world.name, split, base), generator(world.name, split, base, variant)
    names = [COLOURS[i] for i in seen.permutation(world.colours)[: world.players]]
    own = rooms(world, seen)
    others = [names[1:][i] for i in hidden.permutation(world.players - 1)]
    order = [names[0], *others] if world.side == "impostor" else [others[0], names[0], *others[1:]]
    tasks = [own if name == names[0] else rooms(world, hidden) for name in order]
    tasks[IMPOSTOR] = []
    params = {"names": order, "agent": names[0], "tasks": tasks}
    return Task(f"{split}-{base}-{variant}", world.name, params, split)


def rooms(world: SocialDeduction, rng: np.random.Generator) -> list[list[int]]:
    """Where somebody's tasks are."""
    return [[int(rng.integers(world.width)), int(rng.integers(world.height))] for _ in range(world.tasks_each)]
