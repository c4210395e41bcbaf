"""Demonstrations from easy to hard: what takes few words to say comes before what takes many (the warm-up of
specs/learn/itool, whose grading is not confirmed).
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode


def length_of(episode: Episode) -> int:
    """Characters that the agent says: how hard a demonstration is taken to be."""
    return sum(len(turn.message.text) for turn in episode.turns if turn.seat == "agent")


def easy_to_hard(episodes: Sequence[Episode], stages: int) -> list[list[Episode]]:
    """The episodes in so many parts of equal size, give or take one; none in a part is easier than one in the part
    before, and inside a part their order stays.
    """
    if not 1 <= stages <= max(1, len(episodes)):
        raise TurnwiseError(f"{len(episodes)} demonstrations in {stages} stages", "from 1 to as many as there are")
    order = sorted(range(len(episodes)), key=lambda n: length_of(episodes[n]))
    bounds = [round(len(order) * stage / stages) for stage in range(stages + 1)]
    parts = [sorted(order[first:last]) for first, last in zip(bounds, bounds[1:], strict=False)]
    return [[episodes[n] for n in part] for part in parts]
