"""Monte-Carlo tree search with UCT, over anything that can be asked for moves, stepped, and judged.

    select    argmax over children of  V + c * sqrt(2 ln N_parent / N)      unvisited first, in the order of the moves
    expand    the first unvisited move of a node that is not over
    value     what the game says of the new place: a rollout, a critic, or an exact value
    backup    along the path  N += 1,  V += (G - V) / N        with G = rewards from there on + value of the new place

The tree is read for its best first move, or as data: all that was visited stays. Source: Kocsis and Szepesvari 2006;
the bound as in specs/learn/rest_mcts.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from turnwise.core.errors import TurnwiseError

Place = TypeVar("Place")


class Game(Protocol[Place]):
    """What is searched. Stepping leaves the old place as it is. All are awaited, since a model may have to be asked."""

    async def moves(self, place: Place) -> Sequence[Hashable]:
        """What can be done, best first; nothing where it is over. Asked once per node, when a walk goes on from it."""
        ...

    async def step(self, place: Place, move: Any) -> tuple[Place, float]:
        """The place after a move, and the reward earned."""
        ...

    async def value(self, place: Place) -> float:
        """Expected reward from here on; 0 where it is over. Asked once per node, when it is new."""
        ...


@dataclass
class Node(Generic[Place]):
    """A place in the tree.

    `value` is the mean of what followed, the reward of the move into the node left out; `reward` is that reward.
    """

    place: Place
    moves: tuple[Hashable, ...] | None = None  # None: not asked yet
    reward: float = 0.0
    visits: int = 0
    value: float = 0.0
    children: dict[Hashable, Node[Place]] = field(default_factory=dict)

    @property
    def worth(self) -> float:
        """What the move into this node is worth: its reward and all that follows."""
        return self.reward + self.value

    @property
    def best(self) -> Hashable:
        """The move visited most; of those visited alike the one worth most, then the first.

        Raises:
            TurnwiseError: nothing was tried.
        """
        if not self.children:
            raise TurnwiseError("a node where nothing was tried", "a search of at least one simulation", "raise count")
        return max(self.children, key=lambda m: (self.children[m].visits, self.children[m].worth))


def uct(worth: float, visits: int, parent_visits: int, c: float) -> float:
    """V + c sqrt(2 ln N_parent / N): 1.94203 for V 0.5, N 2, N_parent 8, c 1."""
    return worth + c * math.sqrt(2.0 * math.log(parent_visits) / visits)


async def search(game: Game[Place], root: Place, count: int, c: float = 1.0) -> Node[Place]:
    """A tree of `count` simulations from a place.

    Args:
        c: weight of exploration, in units of the rewards. 0 is greedy.

    Returns:
        The root; `best` is the move to play. Deterministic if the game is.
    """
    if count < 1 or c < 0:
        raise TurnwiseError(f"a search of {count} simulations with c = {c}", "1 or more, and c of 0 or more")
    tree = Node(root)
    for _ in range(count):
        await simulate(game, tree, c)
    return tree


async def simulate(game: Game[Place], root: Node[Place], c: float) -> None:
    """One walk to a new node, or to an end, and the backup."""
    path, after = [root], 0.0
    while await moves_of(game, node := path[-1]):
        if len(node.children) < len(node.moves or ()):
            path.append(await expand(game, node))
            after = await game.value(path[-1].place)
            break
        path.append(select(node, c))
    for node in reversed(path):
        node.visits += 1
        node.value += (after - node.value) / node.visits
        after += node.reward


def select(node: Node[Place], c: float) -> Node[Place]:
    """The child with the highest bound; of equal ones the first."""
    return max(node.children.values(), key=lambda child: uct(child.worth, child.visits, node.visits, c))


async def moves_of(game: Game[Place], node: Node[Place]) -> tuple[Hashable, ...]:
    """The moves of a node, asked for once."""
    if node.moves is None:
        node.moves = tuple(await game.moves(node.place))
    return node.moves


async def expand(game: Game[Place], node: Node[Place]) -> Node[Place]:
    """The first move that was not tried."""
    move = (node.moves or ())[len(node.children)]
    place, reward = await game.step(node.place, move)
    node.children[move] = Node(place, reward=reward)
    return node.children[move]
