"""Drawing buyers: at random for the tasks, and among those who would have said what was heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np

from turnwise.core.chance import Chance, generator
from turnwise.worlds.car_dealer_buyer import KINDS, reaction
from turnwise.worlds.car_dealer_rules import (
    BRANDS,
    BUDGETS,
    FEATURES,
    MOST_FEATURES,
    PERSONALITIES,
    TYPES,
    Profile,
)
from turnwise.worlds.car_dealer_talk import MONEY, named
from turnwise.worlds.car_dealer_words import MANNERS, SENTENCES, sentences, wordings

MOST_DRAWS = 3_000
"""Buyers drawn before the one who fits the longest part of the talk is taken."""

OWN_MANNERS = tuple(
    (who, *manner.split("{}")) for who, manners in MANNERS.items() for manner in manners if manner != "{}"
)
"""(personality, how a line begins, how it ends) where a personality gives itself away."""

LISTING = tuple(text.removesuffix("{}.") for text in SENTENCES["features"])
"""How a line begins in which a buyer lists its wishes."""


def draw(rng: np.random.Generator, pools: Mapping[str, Sequence[Any]]) -> Profile:
    """A buyer: each part uniform in its pool, the features as the original draws them, by their number first."""
    numbers = rng.random(len(pools) + 1 + len(FEATURES)).tolist()
    one = {name: pool[int(numbers.pop() * len(pool))] for name, pool in pools.items()}
    if "features" not in one:
        count = 1 + int(numbers.pop() * MOST_FEATURES)
        one["features"] = tuple(feature for _, feature in sorted(zip(numbers, FEATURES, strict=False))[:count])
    return Profile(**one)


POOLS: Mapping[str, Sequence[Any]] = {
    "personality": PERSONALITIES,
    "brand": BRANDS,
    "type": TYPES,
    "budget": BUDGETS,
    "kind": KINDS,
}


def profiles(key: str) -> dict[str, Any]:
    """The buyer of a task as JSON values."""
    params = asdict(draw(generator(key, "car-dealer"), POOLS))
    return {**params, "features": list(params["features"])}


def imagined(said: Sequence[str], chance: Chance) -> Profile:
    """A buyer drawn from the law of the tasks, given what was said (seller first).

    Drawn again until one fits; what a buyer has told outright is not drawn. Exact, since every way to say a thing is as
    likely as the next, unless none fits (another buyer than `RuleBuyer` spoke) or none of so many draws did.
    """
    sold, heard = list(said[::2]), [text.strip() for text in said[1::2]]
    pools, best, longest = told(heard), None, -1
    rng = generator(chance.key, chance.tick, "imagined buyer")
    for _ in range(MOST_DRAWS):
        profile = draw(rng, pools)
        agreed = agreement(profile, sold, heard)
        if agreed > longest:
            best, longest = profile, agreed
        if agreed == len(heard):
            break
    assert best is not None
    return best


def agreement(profile: Profile, sold: Sequence[str], heard: Sequence[str]) -> int:
    """How many of a buyer's lines, from the first on, this one could have said."""
    for number, text in enumerate(heard):
        moves, verdict = reaction(profile, sold[: number + 1])
        if verdict is not None or text not in wordings(moves, profile.personality):
            return number
    return len(heard)


def told(heard: Sequence[str]) -> dict[str, Sequence[Any]]:
    """What is left to be drawn of each part of a profile, after a buyer's lines; the last word on each part counts."""
    pools = dict(POOLS)
    for line in heard:
        pools.update(_told(line))
    return pools


@lru_cache(maxsize=1 << 15)
def _told(line: str) -> dict[str, Sequence[Any]]:
    low, prices = line.lower(), MONEY.findall(line)
    found: dict[str, Any] = {
        "personality": next((who for who, a, z in OWN_MANNERS if line.startswith(a) and line.endswith(z)), None),
        "brand": named(low, BRANDS),
        "type": named(low, TYPES),
        "budget": next((b for b in BUDGETS if prices and f"{b:,}" == prices[-1]), None),
        "kind": next((kind for kind in KINDS if any(cue in line for cue in sentences(("cue", kind)))), None),
        "features": features_in(line) if any(start in line for start in LISTING) else None,
    }
    return {part: [value] for part, value in found.items() if value}


def features_in(line: str) -> tuple[str, ...]:
    """The features that a line names, in the order of the line."""
    low = line.lower()
    return tuple(sorted((f for f in FEATURES if f.lower() in low), key=lambda f: low.index(f.lower())))
