"""What a seat of bargain is shown, written and read: a card with what it keeps to itself, and the talk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import Seat
from turnwise.worlds.bargain_items import Item
from turnwise.worlds.bargain_rules import BUYER, MONEY, OTHER, SELLER, Side

CARD = re.compile(
    r"You (?P<does>sell|want) (?P<title>.+) \((?P<category>\w+), \$(?P<price>\d+)\)\. Asked: (?P<asked>.+?)\. "
    r"Hope: (?P<hope>.+?)\. Limit: (?P<limit>.+?)\. What counts with you: (?P<cares>\w+)\.(?: You asked: .*)?"
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A bargain as one seat sees it."""

    item: Item
    side: Side
    said: tuple[tuple[Seat, str], ...]  # after the buyer's question for the price


def card(item: Item, side: Side, unit: str, opening: str) -> str:
    """What a seat is told before it begins; nobody else sees it."""
    say, does = MONEY[unit].say, "sell" if side.seat == SELLER else "want"
    asked = f" You asked: {opening}" if side.seat == BUYER else ""
    return (
        f"You {does} {item.title} ({item.category}, ${item.price}). Asked: {say(side.asked)}. Hope: {say(side.hope)}. "
        f"Limit: {say(side.limit)}. What counts with you: {side.cares}.{asked}\n"
    )


@lru_cache(maxsize=1 << 12)
def on_card(text: str, unit: str) -> tuple[Item, Side]:
    """What a card says."""
    found = CARD.fullmatch(text.strip())
    if found is None:
        raise TurnwiseError(f"a card that reads {text!r}", "one that this world has written")
    asked, hope, limit = (MONEY[unit].read(found[name]) or 0.0 for name in ("asked", "hope", "limit"))
    seat = SELLER if found["does"] == "sell" else BUYER
    item = Item(found["category"], found["title"], int(found["price"]))
    return item, Side(seat, asked, hope, limit, found["cares"])


def scene(view: View, unit: str) -> Scene:
    """A view, read. The last card counts, since one may be dealt anew."""
    messages = view.messages
    at = max(n for n, message in enumerate(messages) if message.role == "system")
    item, side = on_card(messages[at].text, unit)
    speaker = {"assistant": side.seat, "user": OTHER[side.seat]}
    talk = [(speaker[m.role], m.text) for m in messages[at + 1 :] if m.role in speaker]
    return Scene(item, side, tuple(talk[1:] if side.seat == SELLER else talk))
