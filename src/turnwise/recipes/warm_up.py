"""Imitation from easy to hard: the demonstrations of the stage `imitate` in several rounds (specs/learn/itool).

A round imitates a part of them, and goes on with the optimiser of the round before; together they are the
demonstrations that plain imitation has, each seen as often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from turnwise.core.progress import Progress
from turnwise.core.types import Episode
from turnwise.learn.difficulty import easy_to_hard
from turnwise.loop import Stage
from turnwise.recipes.base import Setup
from turnwise.recipes.imitate import imitation

if TYPE_CHECKING:
    from turnwise.models.policy import Policy


def warm_up(setup: Setup, policy: Policy, stages: int) -> list[Stage]:
    """The stage `imitate` in so many rounds; 1 is plain imitation."""
    found: Sequence[Stage] = imitation(setup, policy)
    if not found or stages == 1:
        return list(found)
    (plain,) = found

    def collect(number: int, progress: Progress) -> list[Episode]:
        part = easy_to_hard(plain.collect(0, progress), stages)[number]
        return [replace(e, id=placed(e.id, number), origin={**e.origin, "round": number}) for e in part]

    return [replace(plain, rounds=stages, collect=collect)]


def placed(id: str, number: int) -> str:
    """The id of an episode in another round."""
    stage, _, rest = id.split("/", 2)
    return f"{stage}/{number}/{rest}"
