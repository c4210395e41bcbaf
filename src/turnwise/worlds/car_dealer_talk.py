"""What a seller's line says, and what lies on the table after several (specs/worlds/lmrl-car-dealer).

Free text is read by the words that occur in it: a greeting, what is asked for, brand, type, features, a price in
dollars. A line that asks and names no price promises nothing ("Do you need a sunroof?").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from turnwise.worlds.car_dealer_rules import BRANDS, FEATURES, TYPES, number

ASKED = {
    "brand": re.compile(r"\b(brands?|makes?)\b"),
    "type": re.compile(r"\b(types?|kinds?)\b"),
    "features": re.compile(r"\b(features?|extras?|equipment)\b"),
    "budget": re.compile(r"\b(budget|spend|afford)\b"),
}
GREETING = re.compile(r"\b(hello|hi|welcome|good (morning|afternoon|day)|help you|do for you)\b")
MONEY = re.compile(r"\$([1-9][0-9,]*)")

BASE = dict(zip(BRANDS, (22, 40, 24, 22, 18, 22, 45, 44, 42, 24, 22, 60, 40), strict=True))
"""Thousands of dollars by brand, for a sedan."""

ADDED = dict(zip(TYPES, (20, 0, 12, 8, 10, 6), strict=True))
"""Thousands of dollars that a type costs more."""

PER_FEATURE = 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """What one line says."""

    greets: bool
    asks: tuple[str, ...]  # brand, type, features, budget
    brand: str | None
    type: str | None
    features: frozenset[str]
    price: int | None

    @property
    def offers(self) -> bool:
        """Whether it says anything about a car."""
        return bool(self.brand or self.type or self.features or self.price)


@dataclass(frozen=True, slots=True)
class Offer:
    """What lies on the table."""

    lines: int  # that the seller has said
    brand: str | None = None
    type: str | None = None
    features: frozenset[str] = frozenset()  # promised so far
    price: int | None = None  # dollars, the last one named

    @property
    def list_price(self) -> int | None:
        """Dollars for the car with all that was promised; None as long as it is no certain car."""
        if self.brand is None or self.type is None:
            return None
        return list_price(self.brand, self.type) + PER_FEATURE * len(self.features)


def list_price(brand: str, kind: str) -> int:
    """Dollars for a car without extras."""
    return 1_000 * (BASE[brand] + ADDED[kind])


@lru_cache(maxsize=1 << 15)
def read(line: str) -> Said:
    """What a line of the seller says."""
    low = line.lower()
    prices = [number(digits) for digits in MONEY.findall(line)]
    price = prices[-1] if prices else None
    brand, kind, features = named(low, BRANDS), named(low, TYPES), frozenset(f for f in FEATURES if f.lower() in low)
    asks = tuple(what for what, words in ASKED.items() if words.search(low)) if "?" in line else ()
    if "?" in line and price is None:
        found = {"brand": brand, "type": kind, "features": features}
        asks += tuple(what for what, value in found.items() if value and what not in asks)
        brand, kind, features = None, None, frozenset()
    return Said(bool(GREETING.search(low)), asks, brand, kind, features, price)


def named(low: str, names: tuple[str, ...]) -> str | None:
    """The name that occurs last in a text in lower case, as a whole word."""
    found = _any_of(names).findall(low)
    return next(name for name in names if name.lower() == found[-1]) if found else None


@lru_cache(maxsize=8)
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(re.escape(name.lower()) for name in names)})\b")


def on_the_table(lines: Sequence[str]) -> Offer:
    """What a seller's lines come to: the last brand, type and price, and every feature promised."""
    return _fold(tuple(lines))


@lru_cache(maxsize=1 << 15)
def _fold(lines: tuple[str, ...]) -> Offer:
    if not lines:
        return Offer(0)
    before, said = _fold(lines[:-1]), read(lines[-1])
    return Offer(
        len(lines),
        said.brand or before.brand,
        said.type or before.type,
        before.features | said.features,
        said.price or before.price,
    )
