"""MCTS*: tree search guided by a value of what was begun, instead of by rollouts to the end (specs/learn/rest_mcts).

    select    argmax over children of  V + c * sqrt(2 ln N_parent / N)         an unvisited one: V + unvisited
    expand    all moves of the place at once, each new place with its own value
    rollout   from the best new place, `ahead` times the best of `candidates` moves;  V <- (1 - a) V + a * max V seen
    backup    N += 1 along the path;  V(parent) = sum_c N_c V_c / sum_c N_c
    stop      when a finished place has V >= gate, or the budget is spent

Source: arXiv 2406.03816 and its repository.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from turnwise.core.errors import TurnwiseError
from turnwise.plan.mcts import uct

Place = TypeVar("Place")


class Guided(Protocol[Place]):
    """What is searched. Stepping leaves the old place as it is."""

    async def some(self, place: Place, width: int) -> Sequence[Hashable]:
        """At most so many moves; nothing where it is over."""
        ...

    async def step(self, place: Place, move: Any) -> tuple[Place, float]:
        """The place after a move, and the reward earned, which this search does not read."""
        ...

    async def value(self, place: Place) -> float:
        """How far along the way to a right end, from 0 to 1."""
        ...


@dataclass(frozen=True)
class Star:
    """The search's settings, with the paper's defaults."""

    simulations: int = 16
    width: int = 3  # moves of a place, B
    c: float = 0.7  # weight of exploration
    a: float = 0.5  # weight of what the rollout saw
    ahead: int = 3  # steps of the rollout, F
    candidates: int = 1  # moves asked for in each of them, R
    gate: float = 0.9  # a finished place of this value ends the search; above 1 it never does
    unvisited: float = math.inf  # what a child without a visit gets on top; 1.0 in the repository's constructor

    def __post_init__(self) -> None:
        if min(self.simulations, self.width, self.candidates) < 1 or min(self.c, self.ahead) < 0:
            raise TurnwiseError(
                f"simulations = {self.simulations}, width = {self.width}, candidates = {self.candidates}, "
                f"c = {self.c}, ahead = {self.ahead}",
                "1 or more simulations, moves and candidates, c and ahead of 0 or more",
            )
        if not 0.0 <= self.a <= 1.0:
            raise TurnwiseError(f"a = {self.a}", "a share from 0 to 1", "0 leaves the rollout out")


@dataclass
class Guess(Generic[Place]):
    """A place in the tree, with what it is thought to be worth."""

    place: Place
    value: float
    visits: int = 0
    children: dict[Hashable, Guess[Place]] | None = None  # None: not expanded yet; empty: it is over

    @property
    def over(self) -> bool:
        """Whether it was found that nothing can be done here."""
        return self.children is not None and not self.children

    def all(self) -> Iterator[Guess[Place]]:
        """This node and all below it."""
        yield self
        for child in (self.children or {}).values():
            yield from child.all()


@dataclass
class Search(Generic[Place]):
    """One search.

    Args:
        game: what is searched.
        how: see `Star`.
    """

    game: Guided[Place]
    how: Star
    rolled: list[Place] = field(default_factory=list)  # places that only rollouts came to

    async def run(self, root: Place) -> Guess[Place]:
        """The tree; a root is worth 0 until something below it was visited."""
        tree = Guess(root, 0.0)
        for _ in range(self.how.simulations):
            path = self.select(tree)
            node = path[-1]
            if not node.over:
                await self.expand(node)
            if node.children:
                path.append(best_guess(node))
                await self.rollout(path[-1])
            backup(path)
            if node.over and node.value >= self.how.gate:
                break
        return tree

    def select(self, root: Guess[Place]) -> list[Guess[Place]]:
        """The way down to a node that was not expanded, or where it is over."""
        path = [root]
        while path[-1].children:
            parent = path[-1]
            path.append(max(parent.children.values(), key=lambda child: self.bound(child, parent)))  # type: ignore
        return path

    def bound(self, child: Guess[Place], parent: Guess[Place]) -> tuple[float, float]:
        """What a child is chosen by; of equal ones the more valuable."""
        if not child.visits:
            return child.value + self.how.unvisited, child.value
        return uct(child.value, child.visits, parent.visits, self.how.c), child.value

    async def expand(self, node: Guess[Place]) -> None:
        """All moves of a place."""
        node.children = {}
        for move in await self.game.some(node.place, self.how.width):
            place, _ = await self.game.step(node.place, move)
            node.children[move] = Guess(place, await self.game.value(place))

    async def rollout(self, node: Guess[Place]) -> None:
        """Look ahead from a new place, greedily."""
        if not self.how.a:
            return
        seen, place = node.value, node.place
        for _ in range(self.how.ahead):
            found: list[tuple[float, Place]] = []
            for move in await self.game.some(place, self.how.candidates):
                after, _ = await self.game.step(place, move)
                found.append((await self.game.value(after), after))
                self.rolled.append(after)
            if not found:
                break
            value, place = max(found, key=lambda pair: pair[0])
            seen = max(seen, value)
        node.value = (1.0 - self.how.a) * node.value + self.how.a * seen


def best_guess(node: Guess[Place]) -> Guess[Place]:
    """The most valuable child; of equal ones the first."""
    return max((node.children or {}).values(), key=lambda child: child.value)


def backup(path: Sequence[Guess[Place]]) -> None:
    """A visit for every node of a path, and for those above the mean over the visits below: (3, 0.6) and (1, 0.2)
    make 0.5.
    """
    for node in reversed(path):
        node.visits += 1
        below = [child for child in (node.children or {}).values() if child.visits]
        if below:
            node.value = sum(c.visits * c.value for c in below) / sum(c.visits for c in below)


async def star_search(game: Guided[Place], root: Place, how: Star) -> Guess[Place]:
    """A tree of at most `how.simulations` simulations from a place."""
    return await Search(game, how).run(root)
