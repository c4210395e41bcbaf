"""MCTS against exhaustive search on tiny games."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from turnwise.core.errors import TurnwiseError
from turnwise.plan.mcts import Node, search, uct


class Sums:
    """Five times a move from 0, 1, 2, each with a reward drawn for the place; the value of a place is not known."""

    def __init__(self, seed: int, depth: int = 5):
        self.rewards = np.random.default_rng(seed).random((3,) * depth + (depth,))
        self.depth, self.asked = depth, []

    async def moves(self, place):
        self.asked.append(place)
        return () if len(place) == self.depth else (0, 1, 2)

    async def step(self, place, move):
        return (*place, move), self.reward((*place, move))

    async def value(self, place):
        return 0.0

    def reward(self, place):
        padded = (*place, *[0] * (self.depth - len(place)))
        return float(self.rewards[padded][len(place) - 1])

    def best(self, place=()):
        """The true value: exhaustive search."""
        if len(place) == self.depth:
            return 0.0
        return max(self.reward((*place, m)) + self.best((*place, m)) for m in range(3))


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_the_best_way_of_exhaustive_search(seed):
    game = Sums(seed)
    node = asyncio.run(search(game, (), 6000, c=0.7))
    total = 0.0
    while node.children:
        node = node.children[node.best]
        total += node.reward
    assert total == pytest.approx(game.best())


def test_the_worth_of_the_best_move_tends_to_the_truth():
    game = Sums(1, depth=3)
    off = [abs(root.children[root.best].worth - game.best()) for root in (grown(game, n) for n in (100, 30_000))]
    assert off[1] < 0.05 and off[1] < off[0]


def grown(game, count, c=0.7):
    return asyncio.run(search(game, (), count, c))


def test_the_sheets_bound():
    assert uct(0.5, 2, 8, 1.0) == pytest.approx(1.94203, abs=1e-5)


def test_every_move_is_tried_before_any_is_tried_again():
    root = grown(Sums(0), 3)
    assert [child.visits for child in root.children.values()] == [1, 1, 1]


def test_visits_and_means_are_kept():
    game = Sums(0)
    root = grown(game, 200)

    def check(node):
        if node.children:
            own = node.visits - sum(child.visits for child in node.children.values())
            assert own == (0 if node is root else 1)  # a node's own first visit
            after = sum(child.visits * child.worth for child in node.children.values())
            assert node.value == pytest.approx(after / node.visits)  # its own value was 0
            for child in node.children.values():
                check(child)

    check(root)
    assert root.visits == 200 and len(game.asked) == len(set(game.asked)), "moves are asked for once per node"


def test_without_exploration_it_is_greedy_and_with_much_it_is_even():
    greedy, even = grown(Sums(3), 300, c=0.0), grown(Sums(3), 300, c=1e6)
    assert max(child.visits for child in greedy.children.values()) == 298
    assert max(child.visits for child in even.children.values()) <= 101


def test_an_end_is_valued_at_nothing_more():
    root = grown(Sums(2, depth=1), 50)
    for child in root.children.values():
        assert child.value == 0.0 and not child.children


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(TurnwiseError, match="0 simulations"):
        grown(Sums(0), 0)
    with pytest.raises(TurnwiseError, match="nothing was tried"):
        _ = Node(()).best
