"""Search over the fragments of one text: a tree whose nodes are pieces of it, guided by how likely and how promising
they are (specs/learn/itool).

    select     argmax over children of  value / (visits + 1) + w * p * sqrt( ln N_parent / (visits + 1) )
               value = fast reward + sum of R,  p = exp(mean log-probability of the fragment's tokens)
    expand     a few whole continuations; each is cut into fragments of `pieces` pieces, and the chain is inserted; what
               goes beyond `depth` is one fragment
    backup     of every new whole text:  visits += 1, value += R  up to the root

The source checks one text per simulation, the one that the most valuable children spell. Here each continuation is
checked, since a checker costs less than a continuation; a whole text that is selected again is counted again.
Source: iTool, arXiv 2501.09766 and its repository.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from turnwise.core.errors import TurnwiseError

Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """The smallest part of a text that is told apart: a few of its tokens."""

    ids: Ids
    logp: float  # sum over the tokens, in nats


class Writing(Protocol):
    """What is searched."""

    async def continued(self, begun: Ids, count: int) -> Sequence[Sequence[Piece]]:
        """So many whole continuations of a beginning, each in pieces."""
        ...

    def fast(self, fragment: Ids) -> float:
        """What a fragment promises by itself."""
        ...

    async def score(self, whole: Ids) -> float:
        """What a whole text is worth, R."""
        ...


@dataclass(frozen=True)
class Fragments:
    """The search's settings, with the defaults of the released run script."""

    iterations: int = 5
    width: int = 3  # continuations of an expanded node, m
    depth: int = 3  # fragments of a text before the rest of it, D
    pieces: int = 2  # of a fragment, s
    w: float = 1.0  # weight of exploration

    def __post_init__(self) -> None:
        if min(self.iterations, self.width, self.depth, self.pieces) < 1 or self.w < 0:
            raise TurnwiseError(
                f"iterations = {self.iterations}, width = {self.width}, depth = {self.depth}, "
                f"pieces = {self.pieces}, w = {self.w}",
                "1 or more of each, w of 0 or more",
            )


@dataclass(eq=False)
class Fragment:
    """A node: some tokens behind those of its parents."""

    ids: Ids = ()
    depth: int = 0
    prior: float = 1.0  # exp of the mean log-probability of its tokens
    fast: float = 0.0
    total: float = 0.0  # sum of R
    visits: int = 0
    whole: bool = False  # the text is over here
    expanded: bool = False
    children: dict[Ids, Fragment] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The running sum that selection reads."""
        return self.fast + self.total

    @property
    def mean(self) -> float:
        """Mean of R over the visits: what is compared, since sums favour what was visited often."""
        return self.total / self.visits if self.visits else 0.0


def bound(value: float, visits: int, prior: float, parent_visits: int, w: float) -> float:
    """1.03543 for value 2, visits 3, prior 0.8, 6 visits of the parent, w 1."""
    known = math.log(parent_visits) if parent_visits > 1 else 0.0
    return value / (visits + 1) + w * prior * math.sqrt(known / (visits + 1))


async def search_fragments(writing: Writing, how: Fragments) -> Fragment:
    """The tree of a text that nothing is written of yet."""
    root = Fragment()
    for _ in range(how.iterations):
        path = select(root, how)
        if path[-1].whole:
            await back(writing, path)
            continue
        begun = ids_of(path)
        path[-1].expanded = True
        for pieces in await writing.continued(begun, how.width):
            await back(writing, [*path, *inserted(writing, path[-1], pieces, how)])
    return root


def select(root: Fragment, how: Fragments) -> list[Fragment]:
    """The way down to a node that was not expanded, or where the text is over."""
    path = [root]
    while path[-1].expanded and path[-1].children:
        parent = path[-1]
        scored = [(bound(c.value, c.visits, c.prior, parent.visits, how.w), c) for c in parent.children.values()]
        path.append(max(scored, key=lambda one: one[0])[1])
    return path


def inserted(writing: Writing, node: Fragment, pieces: Sequence[Piece], how: Fragments) -> list[Fragment]:
    """The chain of a continuation below a node; what is there already is gone along."""
    chain: list[Fragment] = []
    for part in cut(pieces, how.pieces, max(0, how.depth - node.depth)):
        ids = tuple(i for piece in part for i in piece.ids)
        if ids not in node.children:
            prior = math.exp(sum(piece.logp for piece in part) / len(ids))
            node.children[ids] = Fragment(ids, node.depth + 1, prior, writing.fast(ids))
        node = node.children[ids]
        chain.append(node)
    if chain:
        chain[-1].whole = True
    return chain


def cut(pieces: Sequence[Piece], size: int, most: int) -> Iterator[Sequence[Piece]]:
    """At most `most` fragments of `size` pieces, and the rest as one."""
    for start in range(0, min(len(pieces), most * size), size):
        yield pieces[start : start + size]
    if len(pieces) > most * size:
        yield pieces[most * size :]


async def back(writing: Writing, path: Sequence[Fragment]) -> None:
    """A visit, and what the whole text is worth, for every node of its path."""
    worth = await writing.score(ids_of(path))
    for node in path:
        node.visits += 1
        node.total += worth


def ids_of(path: Sequence[Fragment]) -> Ids:
    """The text so far."""
    return tuple(i for node in path for i in node.ids)


def walk(node: Fragment, begun: Ids = ()) -> Iterator[tuple[Ids, Fragment]]:
    """Every node with what stands before it, a parent before its children."""
    yield begun, node
    for child in node.children.values():
        yield from walk(child, begun + node.ids)
