"""The rules of bargain: what each side keeps to itself, what a price is, and what an ending comes to
(specs/users/ppdpp-tasks, specs/worlds/bargaining).

All prices are in the unit that is spoken: percent of the list price (which is then 100), or dollars.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance
from turnwise.core.types import Seat

SELLER: Seat = "agent"
BUYER: Seat = "buyer"
OTHER: Mapping[Seat, Seat] = {SELLER: BUYER, BUYER: SELLER}
ARGUMENTS: Mapping[Seat, tuple[str, ...]] = {
    SELLER: ("condition", "demand", "delivery"),
    BUYER: ("wear", "market", "cash"),
}
"""What each seat can bring forward; the other cares about one of them."""
GRID = 20
"""Prices move in steps of the list price over this."""
LEASTS = tuple(range(55, 90, 5))
"""What sellers would not go below, percent of the list price: 70 with noise (specs/users/ppdpp-tasks)."""
HOPES = (50, 70, 90)
"""What buyers hope to pay, percent of the list price."""
HIGHEST = 105
"""What no buyer goes above, percent of the list price."""


@dataclass(frozen=True, slots=True)
class Money:
    """How prices are said and read."""

    template: str
    pattern: re.Pattern[str]

    def say(self, price: float) -> str:
        """A price in words."""
        return self.template.format(price)

    def all_in(self, text: str) -> list[float]:
        """Every price of a text, in order; a number without the sign is none."""
        return [float(found.replace(",", "")) for found in self.pattern.findall(text)]

    def read(self, text: str) -> float | None:
        """The price that a text is; None where it is more, or something else."""
        return _read(self.pattern, text)


@lru_cache(maxsize=1 << 14)
def _read(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.fullmatch(text.strip())
    return float(found[1].replace(",", "")) if found else None


MONEY = {
    "percent": Money("{:.0f}%", re.compile(r"(\d{1,3}(?:\.\d+)?) ?%")),
    "dollars": Money("${:,.0f}", re.compile(r"\$ ?(\d[\d,]*(?:\.\d+)?)")),
}
"""Units by name."""


def last_price(texts: Sequence[str], money: Money) -> float | None:
    """The price that was named last, which is what the original of specs/worlds/bargaining takes for the deal."""
    return next((found[-1] for text in reversed(texts) if (found := money.all_in(text))), None)


@dataclass(frozen=True, slots=True)
class Side:
    """What one seat knows and wants; nobody else is told."""

    seat: Seat
    asked: float  # the list price, which both know
    hope: float  # where it would begin: a seller at the list price
    limit: float  # beyond which it loses
    cares: str  # the argument of the other that counts with it

    def gain(self, price: float) -> float:
        """Surplus at a price; negative beyond the limit."""
        return price - self.limit if self.seat == SELLER else self.limit - price

    def better(self, one: float, other: float) -> bool:
        """Whether it likes one price more than another."""
        return one > other if self.seat == SELLER else one < other

    def between(self, share: float) -> float:
        """The price on the grid at this share of the way from hope to limit, rounded in its own favour."""
        step = max(1, round(self.asked / GRID))
        moved = abs(self.limit - self.hope) * share + 1e-9
        way = min(step * (moved // step), abs(self.limit - self.hope)) if share < 1 else abs(self.limit - self.hope)
        return self.hope + way if self.limit > self.hope else self.hope - way


@dataclass(frozen=True, slots=True)
class Case:
    """A task: the two sides of one advert."""

    seller: Side
    buyer: Side

    def side(self, seat: Seat) -> Side:
        """Whose side."""
        return self.seller if seat == SELLER else self.buyer

    @property
    def possible(self) -> bool:
        """Whether there is a price at which nobody loses."""
        return self.buyer.limit >= self.seller.limit


def case_of(params: Mapping[str, Any], unit: str) -> Case:
    """The sides of a task, in the unit that is spoken; hidden facts are percents of the list price."""
    asked = 100.0 if unit == "percent" else float(params["price"])
    at = {name: float(round(params[name] * asked / 100)) for name in ("least", "hope", "most")}
    seller = Side(SELLER, asked, asked, at["least"], params["seller_cares"])
    return Case(seller, Side(BUYER, asked, at["hope"], at["most"], params["buyer_cares"]))


def hidden(chance: Chance) -> dict[str, Any]:
    """The hidden facts of a task, drawn: both sides on their own."""
    hope = chance.choice(HOPES, "hope")
    return {
        "least": chance.choice(LEASTS, "least"),
        "hope": hope,
        "most": chance.choice(range(hope + 5, HIGHEST + 1, 5), "most"),
        "seller_cares": chance.choice(ARGUMENTS[BUYER], "seller cares"),
        "buyer_cares": chance.choice(ARGUMENTS[SELLER], "buyer cares"),
    }


def sides(seat: Seat) -> Iterable[tuple[Mapping[str, int], float]]:
    """The hidden prices that a seat can have, percents of the list price, each with its probability."""
    if seat == SELLER:
        return [({"least": least}, 1 / len(LEASTS)) for least in LEASTS]
    found = [(hope, range(hope + 5, HIGHEST + 1, 5)) for hope in HOPES]
    return [({"hope": h, "most": most}, 1 / len(HOPES) / len(mosts)) for h, mosts in found for most in mosts]


def sale_to_list(deal: float | None, seller: float, buyer: float) -> float:
    """SL of PPDPP, the buyer's share of the way from the seller's price to its own hope: 0 without a deal, and at
    prices above the seller's.
    """
    return 0.0 if deal is None else max(0.0, (deal - seller) / (buyer - seller))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a bargain ended."""

    deal: float | None  # the price; None without an agreement
    over: str  # deal, quit, turns
    by: Seat  # who spoke last
    turns: int  # of the agent
    first_bid: float | None  # the buyer's first offer

    def pays(self, case: Case) -> dict[Seat, float]:
        """Surplus of each seat as a share of the list price; nothing without a deal."""
        deal, asked = self.deal, case.seller.asked
        return {seat: 0.0 if deal is None else case.side(seat).gain(deal) / asked for seat in (SELLER, BUYER)}

    def on_the_edge(self, case: Case) -> bool:
        """Whether the price is one of the two that were opened with: left out of means of prices, and counted beside
        them (specs/worlds/bargaining).
        """
        return self.deal is not None and self.deal in (case.seller.asked, self.first_bid)

    def facts(self, case: Case, max_turns: int) -> dict[str, Any]:
        """For the record; metrics are means of these, and a name says what stands where there was no deal."""
        deal, asked, pays = self.deal, case.seller.asked, self.pays(case)
        edge = self.on_the_edge(case)
        found: dict[str, Any] = {
            "success": deal is not None and case.seller.gain(deal) >= 0,
            "over": self.over,
            "by": self.by,
            "deal": deal,
            "agreement": deal is not None,
            "surplus_seller_no_deal_0": pays[SELLER],
            "surplus_buyer_no_deal_0": pays[BUYER],
            "sl_no_deal_0": sale_to_list(deal, asked, case.buyer.hope),
            "turns_no_deal_limit": self.turns if deal is not None else max_turns,
            "on_the_edge": edge,
        }
        if deal is not None:
            found |= {"sale_to_list_deals": deal / asked} | ({} if edge else {"price_valid_deals": deal / asked})
        if case.possible:
            found["agreement_where_possible"] = deal is not None
        else:
            found["agreement_where_impossible"] = deal is not None
        return found
