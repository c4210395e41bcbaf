"""Scripted sellers: one that adapts to the kind of buyer, three that treat everybody alike, a careless one to imitate,
and one that says anything; each reads the conversation alone.

Mean fancy reward, own simulation, two games with each training buyer (standard errors of `all` 0.005 to 0.015):

    buyer         adaptive   quick  patient  careless  thorough   random
    all              0.750   0.670    0.633     0.524     0.501   -0.181
    discount         0.700   0.488    0.700     0.485     0.290   -0.069
    features         0.784   0.759    0.687     0.570     0.784   -0.114
    impatient        0.768   0.768    0.509     0.518     0.438   -0.362
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds.base import Expert
from turnwise.worlds.car_dealer_buyer import fit, percentage
from turnwise.worlds.car_dealer_imagined import told
from turnwise.worlds.car_dealer_rules import BRANDS, BUDGETS, FEATURES, REWARDS, TYPES, Verdict, article, dollars
from turnwise.worlds.car_dealer_talk import PER_FEATURE, list_price, on_the_table
from turnwise.worlds.car_dealer_words import enumerated, feature_phrase

OPENINGS = (
    "Welcome! Which brand, type and features do you want, and what is your budget?",
    "Hello! Tell me the brand, the type, the features and your budget, will you?",
    "Good day! What brand, type, features and budget do you have in mind?",
)
QUESTIONS = {
    "brand": ("Which brand do you like?", "What brand do you want?"),
    "type": ("Which type do you like?", "What type of car do you want?"),
    "features": ("Which features do you need?", "What features should it have?"),
    "budget": ("What is your budget?", "How much can you spend?"),
}
OFFERS = ("I can give you {} {} for {}.", "How about {} {} for {}?", "Take {} {} for {}.")
PROMISES = ("It has {}.", "It comes with {}.", "I add {}.")
PRICES = ("The price is {} now.", "I can go to {}.", "You get it for {}.")

PATIENT_LINES = 8
"""After so many lines a buyer who wants a discount gives in no further."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a seller knows of a buyer."""

    brand: str
    type: str
    features: tuple[str, ...]
    budgets: tuple[int, ...]  # those still possible, the highest first
    kind: str


class Seller:
    """Asks for everything in its first line; then offers the car that pays best, at the most that the kind of buyer
    would pay, a budget lower with every line where the budget is not told.

    Args:
        treat_as: the kind that it takes every buyer for; empty: the kind that the buyer's first words show.
        reward: what its choice of a car is best for.
    """

    def __init__(self, treat_as: str = "", reward: str = "fancy"):
        self.treat_as, self.reward = treat_as, reward

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        texts = [message.text for message in view.messages if message.role in ("user", "assistant")][1:]
        sold, heard = texts[::2], [text.strip() for text in texts[1::2]]
        if not sold:
            return choice(OPENINGS, rng) + "\n"
        return self.offer(sold, self.understand(sold, heard), rng) + "\n"

    def understand(self, sold: Sequence[str], heard: Sequence[str]) -> Heard:
        """What was told; what was not is guessed."""
        known = told(heard)
        kind = self.treat_as or (known["kind"][0] if len(known["kind"]) == 1 else "impatient")
        tried, budgets = on_the_table(sold).price, known["budget"]
        settled = kind != "discount" or len(sold) >= PATIENT_LINES
        if len(budgets) > 1 and tried is not None and settled:  # it was the budget that did not suffice
            budgets = [b for b in budgets if b < tried] or BUDGETS[:1]
        features = known["features"][0] if "features" in known else ()
        return Heard(known["brand"][0], known["type"][0], features, tuple(sorted(budgets, reverse=True)), kind)

    def offer(self, sold: Sequence[str], buyer: Heard, rng: np.random.Generator) -> str:
        """The next line: the car with its price first, then the price alone."""
        table = on_the_table(sold)
        lines = PATIENT_LINES if buyer.kind == "discount" else len(sold) + 1
        percent = percentage(buyer.kind, lines, complete=True)
        brand, kind, wish = table.brand, table.type, (buyer.brand, buyer.type)
        if table.price is None or brand is None or kind is None:
            brand, kind = best_car(wish, len(buyer.features), buyer.budgets, percent, self.reward)
        most = sold_for(percent, (brand, kind), wish, len(buyer.features))
        price = dollars(max(1, min(buyer.budgets[0], most) // 1_000) * 1_000)
        if table.price is not None and (table.brand, table.type) == (brand, kind):
            return choice(PRICES, rng).format(price)
        wished = enumerated([feature_phrase(f) for f in buyer.features]) if buyer.features else ""
        promise = choice(PROMISES, rng).format(wished) + " " if wished else ""
        return promise + choice(OFFERS, rng).format(article(brand), kind, price)


class Careless:
    """A seller that adapts, but with probability `lapse` says anything instead."""

    def __init__(self, reward: str, lapse: float = 0.4):
        self.careful, self.lapse = Seller(reward=reward), lapse

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        return anything(view, rng) if rng.random() < self.lapse else self.careful(view, rng)


def anything(view: View, rng: np.random.Generator) -> str:
    """One of the things that sellers say, about any car at any price."""
    what = choice((*QUESTIONS, "offer", "promise", "price"), rng)
    if what in QUESTIONS:
        return choice(QUESTIONS[what], rng) + "\n"
    price = dollars(1_000 * int(rng.integers(10, 91)))
    if what == "offer":
        return choice(OFFERS, rng).format(article(choice(BRANDS, rng)), choice(TYPES, rng), price) + "\n"
    if what == "price":
        return choice(PRICES, rng).format(price) + "\n"
    return choice(PROMISES, rng).format(feature_phrase(choice(FEATURES, rng))) + "\n"


def sold_for(percent: int, car: tuple[str, str], wished: tuple[str, str], extras: int) -> int:
    """Dollars: this percentage of what a brand and type with all the wished extras is worth to a buyer."""
    full = list_price(*car) + PER_FEATURE * extras
    return percent * full * fit(car[0] == wished[0], car[1] == wished[1]) // 1_000_000


@lru_cache(maxsize=1 << 14)
def best_car(
    wished: tuple[str, str], extras: int, budgets: tuple[int, ...], percent: int, reward: str
) -> tuple[str, str]:
    """The brand and type that pay most on average over these budgets, sold for this percentage of their worth."""

    def pays(car: tuple[str, str]) -> float:
        most, listed = sold_for(percent, car, wished, extras), list_price(*car) + PER_FEATURE * extras
        verdicts = [(Verdict(True, listed, min(budget, most)), budget) for budget in budgets]
        return sum(REWARDS[reward](verdict, budget) for verdict, budget in verdicts)

    return max(((brand, kind) for brand in BRANDS for kind in TYPES), key=pays)


def choice(options: Sequence[Any], rng: np.random.Generator) -> Any:
    """One of the options, uniform; one number is drawn."""
    return options[int(rng.random() * len(options))]


EXPERTS: Mapping[str, Callable[[Any], Expert]] = {
    "adaptive": lambda world: Seller(reward=world.reward),
    "careless": lambda world: Careless(world.reward),
    "patient": lambda world: Seller("discount", world.reward),
    "quick": lambda world: Seller("impatient", world.reward),
    "random": lambda world: anything,
    "thorough": lambda world: Seller("features", world.reward),
}
