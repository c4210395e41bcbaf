"""Best-first search over anything that proposes moves with their log-probabilities.

    priority(node) = (sum of log pi(move) along the path) / L ** a          L moves; the root stands first

a = 0 never prefers a longer path to its own beginning; a = 1 is the mean log-probability, which does not look at depth.
Source: arXiv 2502.03438, specs/learn/bfs_prover_v2.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Sequence
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


class Frontier(Generic[Place]):
    """A search that goes on one expansion at a time.

    Args:
        game: what is searched.
        root: where it begins.
        a: normalisation by length.
        same: names a place; of those with one name the first that is reached alone goes on. None: all places differ.
    """

    def __init__(
        self,
        game: Proposals[Place],
        root: Place,
        a: float = 1.0,
        same: Callable[[Place], Hashable] | None = None,
    ):
        if not a >= 0:
            raise TurnwiseError(f"a search with a = {a}", "an exponent of 0 or more")
        self.game, self.a, self.same, self._tie = game, a, same, numbers()
        self._waiting: list[tuple[float, int, Found[Place]]] = []
        self._names: set[Hashable] = set()
        self._reach(Found(root, 0.0, 0))

    @property
    def open(self) -> bool:
        """Whether there is a place to go on from."""
        return bool(self._waiting)

    async def expand(self) -> list[Found[Place]]:
        """The places that the moves of the best waiting place lead to."""
        node = heapq.heappop(self._waiting)[-1]
        reached = []
        for move, logp in await self.game.moves(node.place):
            place, goal = await self.game.step(node.place, move)
            reached.append(Found(place, node.logp + logp, node.length + 1, goal))
            self._reach(reached[-1])
        return reached

    def _reach(self, node: Found[Place]) -> None:
        if self.same is not None:
            name = self.same(node.place)
            if name in self._names:
                return
            self._names.add(name)
        heapq.heappush(self._waiting, (-priority(node.logp, node.length, self.a), next(self._tie), node))


async def best_first(
    game: Proposals[Place],
    root: Place,
    expansions: int,
    a: float = 1.0,
    enough: int = 1,
    same: Callable[[Place], Hashable] | None = None,
) -> list[Found[Place]]:
    """Places in the order in which they were reached, the root left out.

    Args:
        expansions: places whose moves are asked for, at most.
        a, same: of the `Frontier`.
        enough: goals after which the search stops.
    """
    if expansions < 1 or enough < 1:
        raise TurnwiseError(f"a search of {expansions} expansions for {enough} goals", "1 or more expansions and goals")
    frontier, reached, solved = Frontier(game, root, a, same), list[Found[Place]](), 0
    while frontier.open and expansions and solved < enough:
        expansions -= 1
        children = await frontier.expand()
        reached += children
        solved += sum(child.solved for child in children)
    return reached
