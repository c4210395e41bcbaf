"""The other side of a bargain, drawn anew to fit what was heard of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from turnwise.core.chance import Chance
from turnwise.core.types import Seat
from turnwise.worlds.bargain_rules import ARGUMENTS, OTHER, SELLER, Side, sides
from turnwise.worlds.bargain_view import Scene
from turnwise.worlds.bargain_words import read


def imagined_side(seat: Seat, seen: Scene, unit: str, chance: Chance) -> Side:
    """A side of a seat, from the law of the tasks given that it has offered nothing at a loss, and that what it told of
    itself is true. Of a price that nobody under that law has, the one that it offered is its limit.
    """
    lines = [read(seat, text, unit) for who, text in seen.said if who == seat]
    cares = next((line.cares for line in reversed(lines) if line.cares in ARGUMENTS[OTHER[seat]]), None)
    cares = cares or chance.choice(ARGUMENTS[OTHER[seat]], "cares")
    law = [(_side(seat, found, seen.side.asked, cares), weight) for found, weight in sides(seat)]
    offered = [line.price for line in lines if line.price is not None]
    kept = [(side, weight) for side, weight in law if all(side.gain(price) >= 0 for price in offered)]
    told = [line.limit for line in lines if line.limit is not None]
    kept = [(side, weight) for side, weight in kept if told and side.limit == told[-1]] or kept
    if not kept:
        worst = min(offered) if seat == SELLER else max(offered)
        kept = [(replace(side, limit=worst), weight) for side, weight in law]
    return drawn(kept, chance)


def drawn(law: list[tuple[Side, float]], chance: Chance) -> Side:
    """One of them, by its weight."""
    left = chance.uniform("side") * sum(weight for _, weight in law)
    for side, weight in law:
        left -= weight
        if left < 0:
            return side
    return law[-1][0]


def _side(seat: Seat, found: Mapping[str, int], asked: float, cares: str) -> Side:
    """Hidden prices in percent as a side in the unit that is spoken."""
    at = {name: float(round(percent * asked / 100)) for name, percent in found.items()}
    if seat == SELLER:
        return Side(seat, asked, asked, at["least"], cares)
    return Side(seat, asked, at["hope"], at["most"], cares)
