"""Best-first search over anything that proposes moves with their log-probabilities.

    priority(node) = (sum of log pi(move) along the path) / L ** a          L moves; the root stands first

a = 0 never prefers a longer path to its own beginning; a = 1 is the mean log-probability, which does not look at depth.
Source: arXiv 2502.03438, specs/learn/bfs_prover_v2.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import count as numbers
from typing import Any, Generic, Protocol, TypeVar

from turnwise.core.errors import TurnwiseError

Place = TypeVar("Place")


class Proposals(Protocol[Place]):
    """What is searched. Stepping leaves the old place as it is."""

    async def moves(self, place: Place) -> Sequence[tuple[Hashable, float]]:
        """What can be done, and the log-probability of each; nothing where it is over."""
        ...

    async def step(self, place: Place, move: Any) -> tuple[Place, bool]:
        """The place after a move, and whether the goal is reached."""
        ...


@dataclass(frozen=True)
class Found(Generic[Place]):
    """A place that was reached."""

    place: Place
    logp: float  # of the moves so far, in nats
    length: int  # moves so far
    solved: bool = False


def priority(logp: float, length: int, a: float) -> float:
    """What the longest-standing promise is worth: higher is expanded sooner."""
    return logp / length**a if length else 0.0


async def best_first(
    game: Proposals[Place], root: Place, expansions: int, a: float = 1.0, enough: int = 1
) -> list[Found[Place]]:
    """Places in the order in which they were reached, the root left out.

    Args:
        expansions: places whose moves are asked for, at most.
        a: normalisation by length.
        enough: goals after which the search stops.
    """
    if expansions < 1 or enough < 1 or not a >= 0:
        raise TurnwiseError(
            f"a search of {expansions} expansions for {enough} goals with a = {a}",
            "1 or more expansions and goals, a of 0 or more",
        )
    first, tie = Found(root, 0.0, 0), numbers()
    waiting = [(-priority(0.0, 0, a), next(tie), first)]
    reached: list[Found[Place]] = []
    solved = 0
    while waiting and expansions and solved < enough:
        _, _, node = heapq.heappop(waiting)
        expansions -= 1
        for move, logp in await game.moves(node.place):
            place, goal = await game.step(node.place, move)
            child = Found(place, node.logp + logp, node.length + 1, goal)
            reached.append(child)
            solved += goal
            heapq.heappush(waiting, (-priority(child.logp, child.length, a), next(tie), child))
    return reached
