"""slot-order: five slots to fill, of which two are ambiguous until another one is known (specs/learn/rlap).

A scripted worker fills the slot that it is asked for. It is deterministic: what it answers hangs on its luck in this
task, on what is filled already and how well, and on the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from typing import NamedTuple

from turnwise.core.chance import generator

SLOTS = ("city", "date", "class", "meal", "seat")
SURE, GUESS = 0.95, 1 / 3
"""Probability of a right answer: where all is known, and among three readings."""


class Case(NamedTuple):
    """What a text says: which two slots hang on which."""

    clue: str
    pair: tuple[str, str]  # the worker believes that it knows the first of them

    @property
    def name(self) -> str:
        """For task keys."""
        return f"{self.clue}-{self.pair[0]}-{self.pair[1]}"


CASES = tuple(
    Case(clue, pair if SLOTS.index(clue) % 2 else pair[::-1])
    for clue in SLOTS
    for pair in combinations([slot for slot in SLOTS if slot != clue], 2)
)
"""30: every clue with every pair of the others."""


def chance_right(case: Case, right: dict[str, bool], slot: str, order_free: bool) -> float:
    """Probability that the worker fills a slot rightly.

    Args:
        right: what is filled already -> whether rightly.
        order_free: the control: the worker knows the clue from the text.
    """
    known = order_free or right.get(case.clue, False)
    return SURE if known or slot not in case.pair else GUESS


def answer(case: Case, luck: int, right: dict[str, bool], slot: str, order_free: bool) -> bool:
    """Whether the worker fills it rightly: the same in the same state, whenever it is asked."""
    known = () if order_free else tuple(sorted(right))
    drawn = generator("slot-order", case.name, luck, known, slot).random()
    return bool(drawn < chance_right(case, right, slot, order_free))


def score(case: Case, luck: int, order: Sequence[str], order_free: bool = False) -> float:
    """Share of the slots that are right when they are filled in this order."""
    right: dict[str, bool] = {}
    for slot in order:
        right[slot] = answer(case, luck, right, slot, order_free)
    return sum(right.values()) / len(SLOTS)


def expected(case: Case, order: Sequence[str], order_free: bool = False) -> float:
    """The mean of `score` over luck."""
    after = SURE if order_free else SURE * SURE + (1 - SURE) * GUESS
    before = SURE if order_free else GUESS
    known = [order.index(slot) > order.index(case.clue) for slot in case.pair]
    return (SURE * (len(SLOTS) - 2) + sum(after if late else before for late in known)) / len(SLOTS)


def best(case: Case, luck: int | None = None, order_free: bool = False) -> float:
    """The most that any of the 120 orders reaches: with this luck, or on average over luck."""
    orders = permutations(SLOTS)
    if luck is None:
        return max(expected(case, order, order_free) for order in orders)
    return max(score(case, luck, order, order_free) for order in orders)
