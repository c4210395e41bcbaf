"""What is true of the 158 objects: 72 attributes, each with the objects that have it and ways to ask for it.

Source: specs/worlds/lmrl-twenty-questions ("replace the oracle by an attribute table"); the lists are in
`worlds/data/twenty_questions`. Sets of objects are whole numbers used as bit masks: bit i stands for `things[i]`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.worlds.twenty_questions_rules import objects, read_data

SETS = ("all", "small")
GUESS_OPENINGS = ("Is it", "Could it be", "Is the object", "Is your object")


class Meaning(NamedTuple):
    """What a question asks about."""

    kind: str  # attribute or guess
    name: str  # key of the attribute, or name of the object


Fact = tuple[Meaning | None, bool]
"""One turn of a game: what was asked about (None: neither attribute nor object), and whether the answer was yes."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of the game."""

    name: str  # its first variant
    variants: tuple[str, ...]  # every name it goes by
    category: str  # as the original lists it
    form: str  # count ("a dog"), plural ("pants") or mass ("glue"): how a sentence names it

    @property
    def phrase(self) -> str:
        """As a question names it: `a dog`, `an apple`, `pants`, `glue`."""
        said = self.name.lower()
        return said if self.form != "count" else f"{'an' if said[0] in 'aeiou' else 'a'} {said}"

    @property
    def questions(self) -> tuple[str, ...]:
        """Ways to guess it, the plainest first."""
        return tuple(f"{opening} {self.phrase}?" for opening in GUESS_OPENINGS)


@dataclass(frozen=True, eq=False)
class Table:
    """A set of objects with everything that is known of them."""

    name: str  # all or small
    things: tuple[Thing, ...]
    masks: Mapping[str, int]  # per attribute: the set of things that have it
    questions: Mapping[str, tuple[str, ...]]  # per attribute: ways to ask for it, the plainest first

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Keys of all attributes, in the order of the file."""
        return tuple(self.masks)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Name of a thing -> its position."""
        return {thing.name: i for i, thing in enumerate(self.things)}

    @cached_property
    def everything(self) -> int:
        """The set of all things."""
        return (1 << len(self.things)) - 1

    @cached_property
    def truth(self) -> np.ndarray:
        """bool [attributes, things]."""
        positions = range(len(self.things))
        return np.array([[bool(mask >> i & 1) for i in positions] for mask in self.masks.values()])

    def members(self, mask: int) -> list[Thing]:
        """The things of a set, in order."""
        return [thing for i, thing in enumerate(self.things) if mask >> i & 1]

    def set_of(self, asked: Meaning) -> int:
        """The things for which the answer is yes; empty for a guess of something that is not among them."""
        if asked.kind == "attribute":
            return self.masks[asked.name]
        return 1 << self.index[asked.name] if asked.name in self.index else 0

    def phrasings(self, asked: Meaning) -> tuple[str, ...]:
        """Ways to ask for it, the plainest first."""
        if asked.kind == "attribute":
            return self.questions[asked.name]
        return self.things[self.index[asked.name]].questions

    def fitting(self, history: Sequence[Fact]) -> int:
        """The things that fit all answers; if none does (an oracle errs), those that contradict the fewest."""
        left = self.everything
        for asked, yes in history:
            if asked is not None:
                left &= self.set_of(asked) if yes else ~self.set_of(asked)
        return left or self._least_contradicted(history)

    def _least_contradicted(self, history: Sequence[Fact]) -> int:
        """An answer against a thing counts once; a refused guess stays out while anything else is left."""
        against = np.zeros(len(self.things), dtype=np.int64)
        for asked, yes in history:
            if asked is not None and asked.kind == "attribute":
                against += self.truth[self.attributes.index(asked.name)] != yes
            elif asked is not None and not yes and asked.name in self.index:
                against[self.index[asked.name]] += len(history)
        return sum(1 << int(i) for i in np.flatnonzero(against == against.min()))


@lru_cache(maxsize=len(SETS))
def table(name: str = "all") -> Table:
    """The shipped table.

    Args:
        name: `all` (the 158 objects) or `small` (47 of them, easily told apart, for quick runs).

    Raises:
        UnknownName: no such set.
    """
    if name not in SETS:
        raise UnknownName("set of objects", name, SETS)
    shipped, entries = objects(), tomllib.loads(read_data("attributes.toml"))
    rows = shipped["objects"]
    things = tuple(Thing(r["variants"][0], tuple(r["variants"]), r["category"], r["form"]) for r in rows)
    having = {key: members(key, entry["yes"], things) for key, entry in entries.items()}
    if name == "small":
        things = tuple(thing for thing in things if thing.name in set(shipped["small"]))
    masks = {key: sum(1 << i for i, t in enumerate(things) if t.name in names) for key, names in having.items()}
    return Table(name, things, masks, {key: tuple(entry["ask"]) for key, entry in entries.items()})


def members(key: str, listed: str, things: Sequence[Thing]) -> set[str]:
    """Names on an attribute's list: `@Category` and `Name` put in what is not yet in, `-Name` takes out.

    Raises:
        TurnwiseError: an entry that names nothing, or changes nothing.
    """
    found: set[str] = set()
    for entry in (part.strip() for part in listed.split(",")):
        bare = entry.removeprefix("-").removeprefix("@")
        meant = {t.name for t in things if bare == (t.category if "@" in entry else t.name)}
        if not meant or (meant <= found) != entry.startswith("-"):
            expected = "@Category or the name of an object not yet on the list, or -Name of one that is"
            raise TurnwiseError(f"attribute {key!r} lists {entry!r}", expected, "see worlds/data/twenty_questions")
        found = found - meant if entry.startswith("-") else found | meant
    return found
