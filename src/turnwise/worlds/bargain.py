"""Haggle over a second-hand thing: two seats, each with a price that it keeps to itself (specs/users/ppdpp-tasks,
specs/worlds/bargaining).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from turnwise.core.chance import Chance, key_of
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.users.acts import DialogueAct
from turnwise.worlds.bargain_imagined import imagined_side
from turnwise.worlds.bargain_items import Item, items
from turnwise.worlds.bargain_players import BUYERS, SELLERS
from turnwise.worlds.bargain_rules import (
    BUYER,
    MONEY,
    OTHER,
    SELLER,
    Case,
    Ending,
    case_of,
    hidden,
    last_price,
)
from turnwise.worlds.bargain_view import card, scene
from turnwise.worlds.bargain_words import OPENINGS, read
from turnwise.worlds.base import World, check_split

HELD_OUT = 6
"""Every so many adverts are for evaluation."""


class Bargain(World):
    """Sell something to somebody who wants it for less. The agent sells and the seat `buyer` buys, by turns.

    Each seat has a limit beyond which it loses, hopes for more, and cares about one of three things that the other can
    bring forward. An offer that is no better for its maker than what the other has offered is an agreement at the
    other's price, and so is to accept; either may quit. Both earn their surplus as a share of the list price, 0
    without an agreement. Two acts of each turn are heard. One task in nine has no price at which neither loses.

    Success is an agreement at which the seller does not lose. In metrics the names say what stands where there was no
    agreement: `sl_no_deal_0` is PPDPP's SL (the buyer's share of the way from the list price to its hope),
    `sale_to_list_deals` the mean over agreements alone, `turns_no_deal_limit` counts a failure as all turns.

    Args:
        max_turns: of each seat.
        prices: `percent` of the list price, or `dollars`.
        buyer: who sits in the other seat where nobody else does.
        patience: turns in a row without a better offer or an argument that counts, after which scripted players quit;
            0: they never do.
    """

    name = "bargain"
    title = "haggle over a second-hand thing; both seats have a price that they keep to themselves"
    seats = (SELLER, BUYER)
    experts = SELLERS
    others = {BUYER: BUYERS}
    demonstrator = "rough"
    demonstrators = {BUYER: "rough"}
    noted = (
        "agreement",
        "agreement_where_possible",
        "surplus_seller_no_deal_0",
        "surplus_buyer_no_deal_0",
        "sl_no_deal_0",
        "sale_to_list_deals",
        "price_valid_deals",
        "on_the_edge",
        "turns_no_deal_limit",
    )

    def __init__(self, max_turns: int = 8, prices: str = "percent", buyer: str = "linear", patience: int = 3):
        if max_turns < 2:
            raise TurnwiseError(f"max_turns = {max_turns}", "2 or more of each seat")
        if prices not in MONEY:
            raise UnknownName("unit of prices", prices, MONEY)
        if buyer not in BUYERS:
            raise UnknownName("buyer", buyer, BUYERS)
        if patience < 0:
            raise TurnwiseError(f"patience = {patience}", "0 (endless) or a number of turns")
        self.max_turns, self.prices, self.buyer, self.patience = max_turns, prices, buyer, patience

    @property
    def companions(self) -> Mapping[Seat, str]:  # type: ignore[override]  # an attribute of the class elsewhere
        """Who buys where nobody else does."""
        return {BUYER: self.buyer}

    @property
    def turns(self) -> int:
        return self.max_turns

    def tasks(self, split: str) -> Sequence[Task]:
        """An advert each, with two sides drawn for it."""
        return _tasks(check_split(split))

    def reset(self, task: Task, chance: Chance) -> Moment:
        item = Item(task.params["category"], task.params["title"], task.params["price"])
        self._begin(item, case_of(task.params, self.prices), chance.choice(OPENINGS, "opening"))
        cards = self._cards()
        heard = Message("user", f"{self._opening}\n")
        return Moment({SELLER: (cards[SELLER], heard), BUYER: (cards[BUYER],)}, (SELLER,))

    def _begin(self, item: Item, case: Case, opening: str) -> None:
        self._item, self._case, self._opening = item, case, opening
        self._standing: dict[Seat, float] = {SELLER: case.seller.asked}  # the advert is an offer
        self._said: tuple[tuple[Seat, str], ...] = ()
        self._first_bid: float | None = None
        self._deal: float | None = None
        self._dealt_anew: Seat | None = None  # whose card is another than it was shown

    def _cards(self) -> dict[Seat, Message]:
        sides = (self._case.seller, self._case.buyer)
        return {s.seat: Message("system", card(self._item, s, self.prices, self._opening)) for s in sides}

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        seat = SELLER if SELLER in said else BUYER
        text = said[seat].text
        acts = read(seat, text, self.prices).acts
        over = self._take(seat, text, acts)
        if over is not None:
            return self._end(seat, over)
        other = OTHER[seat]
        facts = {"said": [str(act) for act in acts], "standing": dict(self._standing)}
        if self._dealt_anew != other:
            return Moment({other: (Message("user", text),)}, (other,), {seat: 0.0}, facts=facts)
        self._dealt_anew, shown = None, self._shown_to(other)
        return Moment({other: shown}, (other,), {seat: 0.0}, facts=facts, keep={other: len(shown)})

    def _shown_to(self, seat: Seat) -> tuple[Message, ...]:
        """All that a seat would have in view."""
        own = self._cards()[seat]
        talk = [Message("assistant" if who == seat else "user", text) for who, text in self._said]
        opened = [Message("user", f"{self._opening}\n")] if seat == SELLER else []
        return (own, *opened, *talk)

    def _take(self, seat: Seat, text: str, acts: Sequence[DialogueAct]) -> str | None:
        """What a turn does to what stands; how the bargain is over, if it is."""
        self._said = (*self._said, (seat, text))
        for act in acts:
            if act.kind == "quit":
                return "quit"
            if act.kind in ("offer", "accept") and self._agree(seat, act):
                return "deal"
        return "turns" if seat == BUYER and len(self._said) >= 2 * self.max_turns else None

    def _agree(self, seat: Seat, act: DialogueAct) -> bool:
        """An offer, or an acceptance, which is an offer of the price that it names or that stands."""
        stands = self._standing.get(OTHER[seat])
        price = MONEY[self.prices].read(act.value) if act.value else stands
        if price is None:
            return False  # nothing has been offered yet
        if seat == BUYER and self._first_bid is None and act.kind == "offer":
            self._first_bid = price
        if stands is not None and not self._case.side(seat).better(price, stands):
            self._deal = stands
            return True
        self._standing = {**self._standing, seat: price}
        return False

    def _end(self, seat: Seat, over: str) -> Moment:
        turns = sum(who == SELLER for who, _ in self._said)
        ending = Ending(self._deal, over, seat, turns, self._first_bid)
        named = last_price([text for _, text in self._said], MONEY[self.prices])
        facts: dict[str, Any] = {**ending.facts(self._case, self.max_turns), "named_last": named}
        shown = Message("user", self._said[-1][1])
        closing = Message("system", "There is a deal.\n" if self._deal is not None else "There is no deal.\n")
        views = {seat: (closing,), OTHER[seat]: (shown, closing)}
        return Moment(views, (), ending.pays(self._case), end=End.DONE, facts=facts)

    def fork(self, chance: Chance) -> Bargain:
        twin = self.live()
        assert isinstance(twin, Bargain)
        return twin

    def imagine(self, view: View, chance: Chance) -> Bargain:
        """The same talk with another side of the other seat, drawn from the law of the tasks given what it has offered
        and told. Whoever sits there is dealt that card in place of its own.
        """
        seen = scene(view, self.prices)
        other = OTHER[seen.side.seat]
        drawn = imagined_side(other, seen, self.prices, chance)
        both = {seen.side.seat: seen.side, other: drawn}
        twin = type(self)(self.max_turns, self.prices, self.buyer, self.patience)
        twin._begin(seen.item, Case(both[SELLER], both[BUYER]), opening_of(view))
        for seat, text in seen.said:
            twin._take(seat, text, read(seat, text, self.prices).acts)
        twin._dealt_anew = other
        return twin


def opening_of(view: View) -> str:
    """The buyer's question for the price, as either seat is shown it."""
    if view.seat == SELLER:
        return next(m.text for m in view.messages if m.role == "user").removesuffix("\n")
    return next(m.text for m in view.messages if m.role == "system").partition("You asked: ")[2].removesuffix("\n")


@lru_cache(maxsize=2)
def _tasks(split: str) -> tuple[Task, ...]:
    numbers = [n for n in range(len(items())) if (n % HELD_OUT == 0) == (split == "eval")]
    return tuple(_task(number, split) for number in numbers)


def _task(number: int, split: str) -> Task:
    item = items()[number]
    facts = hidden(Chance(key_of(Bargain.name, number)))
    params = {"category": item.category, "title": item.title, "price": item.price, **facts}
    return Task(f"{split}-{number:04d}", Bargain.name, params, split)
