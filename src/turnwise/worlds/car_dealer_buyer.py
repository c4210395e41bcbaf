"""Buyers who decide by the last price and the number of lines (specs/worlds/lmrl-car-dealer). There are three kinds:

    kind        pays at most this percentage of what the car is worth to it     leaves after
    discount    60 + 4 per line of the seller, up to 8 lines: 92                16 lines
    features    115 once every feature it wishes was promised, else 80          16 lines
    impatient   130 - 10 per line: 120 at once                                  6 lines

and never more than its budget. A car is worth its list price without the features that were not wished for, less a
fifth for another brand and less a fifth for another type. Nobody leaves before a car has a price.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from turnwise.core.chance import Chance, uniform_of
from turnwise.worlds.car_dealer_rules import PROMPT, Profile, Verdict
from turnwise.worlds.car_dealer_talk import PER_FEATURE, Offer, list_price, on_the_table, read
from turnwise.worlds.car_dealer_words import OPEN_ABOUT_MONEY, Move, wordings

PATIENCE = {"discount": 16, "features": 16, "impatient": 6}
KINDS = tuple(PATIENCE)
OTHER_CAR = 80
"""Percent of its worth that is left to a car of another brand, or of another type, than the one wished for."""

UNDECIDED = "I do not know"


class Buyer(Protocol):
    """Whoever buys: a rule, a script, or a model."""

    def reply(self, profile: Profile, reads: tuple[str, ...], chance: Chance) -> str:
        """Its next line. `reads` is the start, the profile, and the lines so far; where the last of them is its own,
        extended by "Output: Decision=", the whole of that line, continued.
        """
        ...


class RuleBuyer:
    """Decides by its kind and speaks as its personality does."""

    def reply(self, profile: Profile, reads: tuple[str, ...], chance: Chance) -> str:
        """See `Buyer`; only the wording is drawn."""
        if reads[-1].endswith(PROMPT):
            offer = on_the_table(reads[2::2])
            undecided = offer.list_price is None or offer.price is None
            return reads[-1] + (UNDECIDED if undecided else str(rejection(offer)).removeprefix(PROMPT)) + "\n"
        moves, verdict = reaction(profile, reads[2::2])
        options = wordings(moves, profile.personality)
        text = options[int(uniform_of(chance.key, chance.tick, "wording") * len(options))]
        return text + (f" {verdict}\n" if verdict else "\n")


def percentage(kind: str, lines: int, complete: bool) -> int:
    """Of a car's worth, what a kind of buyer pays at most after so many lines of the seller."""
    if kind == "discount":
        return 60 + 4 * min(lines, 8)
    if kind == "features":
        return 115 if complete else 80
    return 130 - 10 * lines


def worth(profile: Profile, brand: str, kind: str, promised: frozenset[str]) -> int:
    """Dollars that a car is worth to a buyer."""
    full = list_price(brand, kind) + PER_FEATURE * len(promised.intersection(profile.features))
    return full * fit(brand == profile.brand, kind == profile.type) // 10_000


def fit(brand: bool, kind: bool) -> int:
    """Ten-thousandths of its worth that a car keeps, by whether its brand and its type are the ones wished for."""
    return (100 if brand else OTHER_CAR) * (100 if kind else OTHER_CAR)


def willing(profile: Profile, offer: Offer) -> int:
    """Dollars that a buyer would pay now for a certain car."""
    assert offer.brand is not None and offer.type is not None
    complete = offer.features.issuperset(profile.features)
    valued = worth(profile, offer.brand, offer.type, offer.features)
    return min(profile.budget, percentage(profile.kind, offer.lines, complete) * valued // 100)


def rejection(offer: Offer) -> Verdict:
    """The verdict that turns an offer down."""
    assert offer.list_price is not None
    return Verdict(False, offer.list_price)


def reaction(profile: Profile, lines: Sequence[str]) -> tuple[tuple[Move, ...], Verdict | None]:
    """What a buyer says to the last of a seller's lines, and how it ends the talk, if it does."""
    said, offer = read(lines[-1]), on_the_table(lines)
    if offer.list_price is not None and offer.price is not None:
        if offer.price <= willing(profile, offer):
            return (("accept", ""),), Verdict(True, offer.list_price, offer.price)
        if offer.lines >= PATIENCE[profile.kind]:
            return (("reject", ""),), rejection(offer)
    told: tuple[Move, ...] = (("cue", profile.kind),) if said.greets else ()
    told += tuple(tell(profile, what) for what in said.asks)
    if told:
        return told, None
    return ((complaint(profile, offer) if said.offers or offer.price else ("lost", "")),), None


def tell(profile: Profile, what: str) -> Move:
    """What a buyer answers when it is asked for one of its wishes; not all speak about money."""
    if what == "features":
        return what, ", ".join(profile.features)
    if what == "budget":
        return (what, str(profile.budget)) if profile.personality in OPEN_ABOUT_MONEY else ("secret", "")
    return what, getattr(profile, what)


def complaint(profile: Profile, offer: Offer) -> Move:
    """What stands between a buyer and an offer, the first thing that comes to mind."""
    if offer.brand is None or offer.type is None:
        return "which", ""
    if offer.price is None:
        return "cost", ""
    if offer.brand != profile.brand:
        return "other brand", profile.brand
    if offer.type != profile.type:
        return "other type", profile.type
    lacking = [feature for feature in profile.features if feature not in offer.features]
    return ("lacking", lacking[0]) if profile.kind == "features" and lacking else ("lower", "")
