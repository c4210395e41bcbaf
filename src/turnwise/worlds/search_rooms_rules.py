"""The house of search-rooms: where the key and the decoys lie, what a look shows, and what looks leave possible
(specs/plan/tti-budget).

A drawer is named by its room's number and a letter, such as 5b. A decoy looks like the key at first sight; a second
look at the same drawer, whenever it comes, tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_lowercase

import numpy as np

from turnwise.core.types import Message

EMPTY, KEY, TOY, REAL = "empty", "key", "toy key", "real key"
HALL = 0
ACT = re.compile(r"(?:go ([1-9])|open ([a-z])|look|answer)\n?")
TOLD = re.compile(r"(?:room ([1-9])|([1-9])([a-z]): (empty|key|toy key|real key))\n")


@dataclass(frozen=True)
class House:
    """What can be searched.

    Args:
        rooms: numbered from 1, at most 9.
        drawers: of each room, lettered from a, at most 26.
        decoys: chance that a room holds one decoy, in any of its drawers that does not hold the key.
    """

    rooms: int
    drawers: int
    decoys: float

    @cached_property
    def letters(self) -> str:
        """The drawers of a room."""
        return ascii_lowercase[: self.drawers]

    @cached_property
    def places(self) -> tuple[str, ...]:
        """All drawers, room by room."""
        return tuple(f"{room}{letter}" for room in range(1, self.rooms + 1) for letter in self.letters)

    @cached_property
    def acts(self) -> tuple[str, ...]:
        """Every act there is."""
        rooms = (f"go {room}" for room in range(1, self.rooms + 1))
        return tuple(f"{act}\n" for act in (*rooms, *(f"open {letter}" for letter in self.letters), "look", "answer"))

    def lay(self, target: str, rng: np.random.Generator) -> tuple[str, ...]:
        """The decoys beside a key. Draws do not depend on the chance, so a higher one adds decoys and moves none."""
        found = []
        for room in range(1, self.rooms + 1):
            free = [f"{room}{letter}" for letter in self.letters if f"{room}{letter}" != target]
            here, which = rng.random(2)
            if here < self.decoys and free:
                found.append(free[int(which * len(free))])
        return tuple(found)

    def chances(self, seen: Mapping[str, str], target: str) -> dict[int, dict[str, float]]:
        """Of each room, where its decoy may lie ("": there is none) and how probable that is with what was seen, if
        the key lies in `target`; not normalised.
        """
        found: dict[int, dict[str, float]] = {}
        for room in range(1, self.rooms + 1):
            free = [p for p in self.places if p[0] == str(room) and p != target]
            none = 1.0 - self.decoys if free else 1.0
            options = {"": none, **{place: self.decoys / len(free) for place in free}}
            here = {place: sight for place, sight in seen.items() if place[0] == str(room)}
            found[room] = {decoy: chance for decoy, chance in options.items() if fits(here, target, decoy)}
        return found

    def imagine(self, seen: Mapping[str, str], rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
        """A key and decoys drawn from what is possible after these sights: exactly the posterior."""
        of_target = {place: self.chances(seen, place) for place in self.places}
        weights = np.array([np.prod([sum(r.values()) for r in rooms.values()]) for rooms in of_target.values()])
        if not weights.sum():  # sights that this house cannot give: as if nothing had been seen
            return self.imagine({}, rng)
        target = self.places[int(rng.choice(len(weights), p=weights / weights.sum()))]
        decoys = [drawn(options, rng) for options in of_target[target].values()]
        return target, tuple(decoy for decoy in decoys if decoy)


def fits(seen: Mapping[str, str], target: str, decoy: str) -> bool:
    """Whether sights of the drawers of one room go with a key and a decoy."""
    return all(sight in {target: (KEY, REAL), decoy: (KEY, TOY)}.get(place, (EMPTY,)) for place, sight in seen.items())


def drawn(options: Mapping[str, float], rng: np.random.Generator) -> str:
    """One of some options, as probable as their weights say."""
    weights = np.array(list(options.values()))
    return list(options)[int(rng.choice(len(weights), p=weights / weights.sum()))]


@dataclass
class Search:
    """Somebody in the house, and what was looked at."""

    target: str
    decoys: tuple[str, ...]
    room: int = HALL
    open: str = ""  # the drawer in front of the searcher
    looks: dict[str, int] = field(default_factory=dict)  # per drawer
    entered: list[int] = field(default_factory=list)  # rooms, in order

    def go(self, room: int) -> None:
        """Into a room, or away from the drawer that was open there."""
        self.entered += [room] if room != self.room else []
        self.room, self.open = room, ""

    def look(self, place: str) -> None:
        """Into a drawer, which is open from then on."""
        self.open = place
        self.looks[place] = self.looks.get(place, 0) + 1

    def sight(self) -> str:
        """What the open drawer shows."""
        first = self.looks[self.open] == 1
        if self.open == self.target:
            return KEY if first else REAL
        if self.open in self.decoys:
            return KEY if first else TOY
        return EMPTY

    def tell(self) -> str:
        """Where one is, and what is there."""
        if self.open:
            return f"{self.open}: {self.sight()}\n"
        return f"room {self.room}\n" if self.room else "hall\n"

    @property
    def back(self) -> int:
        """How often a room was entered again."""
        return len(self.entered) - len(set(self.entered))


@dataclass(frozen=True)
class Known:
    """What a conversation tells."""

    seen: Mapping[str, str]  # drawer -> its newest sight
    rooms: tuple[int, ...]  # rooms in the order in which they were entered
    open: str  # the drawer in front of one; empty: none

    @property
    def room(self) -> int:
        """Where one is."""
        return self.rooms[-1] if self.rooms else HALL


def read(messages: Iterable[Message]) -> Known:
    """What was told; words in front of a sight, such as a refusal or a nudge, do not matter."""
    seen: dict[str, str] = {}
    rooms: list[int] = []
    at = ""
    for message in messages:
        told = None if message.role == "assistant" else TOLD.search(message.text)
        if told is None:
            continue
        if told[1]:
            at = ""
            rooms += [int(told[1])] if not rooms or rooms[-1] != int(told[1]) else []
        else:
            at = told[2] + told[3]
            seen[at] = told[4]
    return Known(seen, tuple(rooms), at)


def calls(told: Iterable[str]) -> list[tuple[str, str]]:
    """What was looked at, (search, query or check; what about), from the texts that answered each act.

    Entering a room is a search, the first sight of a drawer a query. Where a drawer seems to hold the key, looking
    again checks that claim; looking again at any other is the same query once more. What was refused is no call.
    """
    found: list[tuple[str, str]] = []
    sights: dict[str, str] = {}
    for text in told:
        match = TOLD.fullmatch(text)
        if match is None:
            continue
        if match[1]:
            found.append(("search", f"room {match[1]}"))
        else:
            place = match[2] + match[3]
            claimed = sights.get(place) in (KEY, TOY, REAL)
            found.append(("check" if claimed else "query", place))
            sights[place] = match[4]
    return found
