"""Car Dealer's rules as texts and numbers: the buyer's profile, the verdict in a line, the two rewards, what the buyer
reads (specs/worlds/lmrl-car-dealer).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

START = "Start\n"
PROMPT = "Output: Decision="
PERSONALITIES = (
    *("abusive", "angry", "insulting", "polite", "respectful"),
    *("rude", "sarcastic", "talkative", "toxic", "uncommunicative"),
)
BRANDS = (
    *("Volkswagen", "Lexus", "Ford", "Mazda", "Hyundai", "Toyota", "Mercedes-Benz"),
    *("BMW", "Audi", "Subaru", "Honda", "Porsche", "Tesla"),
)
TYPES = ("luxury", "sedan", "convertible", "truck", "electric", "SUV")
FEATURES = (
    *("backup camera", "navigation system", "heated seats", "leather seats"),
    *("third-row seating", "blind spot monitoring", "sunroof", "Apple CarPlay"),
)
BUDGETS = (10_000, 30_000, 50_000, 70_000, 90_000)
MOST_FEATURES = 4

VERDICT = re.compile(r"Output: Decision=(Accept|Reject) MSRP=\$([1-9][0-9,]*)( Buy Price=\$([0-9][0-9,]*))?")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a buyer hides."""

    personality: str
    brand: str
    type: str
    features: tuple[str, ...]  # 1 to 4, without repeats
    budget: int  # dollars
    kind: str = ""  # how a buyer of `car_dealer_buyer` decides; the original's profiles have none

    def __str__(self) -> str:
        """The line that the buyer reads first."""
        wishes = f"Prefers {article(self.brand)} {self.type} with {', '.join(self.features)}"
        return f"Personality: {self.personality}. {wishes}. Budget: {dollars(self.budget)}\n"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a buyer's line ends the talk."""

    accepted: bool
    list_price: int  # dollars, above 0; the line calls it MSRP
    price: int | None = None  # dollars; None if rejected, or if the line names none

    def __str__(self) -> str:
        """As a buyer writes it."""
        paid = "" if self.price is None else f" Buy Price={dollars(self.price)}"
        return f"{PROMPT}{'Accept' if self.accepted else 'Reject'} MSRP={dollars(self.list_price)}{paid}"


def dollars(amount: int) -> str:
    """`$30,000`."""
    return f"${amount:,}"


def article(noun: str) -> str:
    """With its article: `an Audi`."""
    return f"{'an' if noun[0] in 'AEIOU' else 'a'} {noun}"


def read_verdict(line: str) -> tuple[Verdict | None, str]:
    """The first verdict in a buyer's line, and the line without it; (None, the line) if there is none.

    A list price that starts with 0 is no verdict at all.
    """
    found = VERDICT.search(line)
    if found is None:
        return None, line
    decision, list_price, _, price = found.groups()
    accepted = decision == "Accept"
    paid = number(price) if accepted and price is not None else None
    return Verdict(accepted, number(list_price), paid), line[: found.start()] + line[found.end() :]


def number(digits: str) -> int:
    """`30,000` -> 30000."""
    return int(digits.replace(",", ""))


def revenue(verdict: Verdict, budget: int) -> float:
    """Thousands of dollars paid; 0 without a sale, or without a price."""
    return (verdict.price or 0) / 1000.0


def fancy(verdict: Verdict, budget: int) -> float:
    """P / ((budget + N) / 2) for a sale at price P of a car listed at N, -(budget - N) / N without one.

    What was affordable and not sold costs; and a car beyond the budget, shown and rejected, earns.
    """
    if verdict.accepted:
        return 0.0 if verdict.price is None else verdict.price / ((budget + verdict.list_price) * 0.5)
    return -(budget - verdict.list_price) / verdict.list_price


REWARDS: Mapping[str, Callable[[Verdict, int], float]] = {"fancy": fancy, "revenue": revenue}


def buyer_reads(profile: Profile, lines: Sequence[str]) -> tuple[str, ...]:
    """What the buyer is given: the start, the profile, and the lines so far (seller first), each ended once."""
    return START, str(profile), *(line.strip() + "\n" for line in lines)


def reprompted(line: str) -> str:
    """The buyer's last line, extended by the beginning of a verdict."""
    return line.removesuffix("\n") + PROMPT


def profile_of(params: Mapping[str, Any]) -> Profile:
    """From JSON values."""
    return Profile(**{**params, "features": tuple(params["features"])})
