"""What is true of the cities, and every way to ask and to tell it (specs/worlds/lmrl-guess-my-city).

Twelve aspects, from the continent to the food, each with open questions ("What do people eat there?"), yes-or-no
questions ("Do people eat curry?"), and three wordings of every answer. Sets of towns are whole numbers used as bit
masks: bit i stands for `towns[i]`. The names, the countries and four of the aspects are those of `archer-city`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.worlds.archer_city_table import LETTERS, cities

SETS = {"all": None, "small": 24}
"""Sets of cities by name, each with how many from the top of the list: by population."""

GUESSES = ("Is it {}?", "Are you from {}?", "Is the city you are from {}?")
CONTINENTS = ("Asia", "Europe", "Africa", "North America", "South America", "Oceania")
SKIPPED = frozenset(("a", "an", "the"))
COLUMNS = ("size", "climate", "land", "part", "fame")


class Meaning(NamedTuple):
    """What a question asks about."""

    aspect: str
    value: str | None  # None: an open question; else whether this is the value


@dataclass(frozen=True, slots=True)
class Town:
    """One home town."""

    name: str  # as questions of ours spell it: Sao Paulo
    country: str
    names: tuple[str, ...]  # normal forms of every spelling
    forbidden: tuple[str, ...]  # normal forms that an answer must not contain: the names, and the country's
    values: Mapping[str, str]  # aspect -> what holds

    @property
    def entry(self) -> str:
        """As the original's list has it: `sao paulo,brazil`."""
        return f"{self.name.lower()},{self.country}"


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing to ask about."""

    values: tuple[str, ...]
    open: tuple[str, ...]
    told: tuple[str, ...]
    closed: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    also: Mapping[str, str]  # a yes-or-no question -> the value it asks about


@dataclass(frozen=True, eq=False)
class Table:
    """A set of towns with everything that is known of them."""

    name: str  # all or small
    towns: tuple[Town, ...]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Name of a town -> its position."""
        return {town.name: i for i, town in enumerate(self.towns)}

    @cached_property
    def everything(self) -> int:
        """The set of all towns."""
        return (1 << len(self.towns)) - 1

    @cached_property
    def holding(self) -> Mapping[Meaning, int]:
        """The towns for which a yes-or-no question is answered yes."""
        found: dict[Meaning, int] = {}
        for i, town in enumerate(self.towns):
            for aspect, value in town.values.items():
                found[Meaning(aspect, value)] = found.get(Meaning(aspect, value), 0) | 1 << i
        return found

    def members(self, mask: int) -> tuple[Town, ...]:
        """The towns of a set, in order."""
        return _members(self, mask)


@lru_cache(maxsize=1 << 12)
def _members(known: Table, mask: int) -> tuple[Town, ...]:
    return tuple(town for i, town in enumerate(known.towns) if mask >> i & 1)


@lru_cache(maxsize=1)
def aspects() -> Mapping[str, Aspect]:
    """The twelve, in the order of the file."""
    found = {}
    for name, entry in _data("aspects.toml").items():
        lists = {field: tuple(entry[field]) for field in ("values", "open", "told", "closed", "yes", "no")}
        found[name] = Aspect(**lists, also=entry.get("also", {}))
    return found


@lru_cache(maxsize=len(SETS))
def table(name: str = "all") -> Table:
    """The shipped table.

    Args:
        name: `all` (99 cities) or `small` (the 24 largest, for quick runs).

    Raises:
        UnknownName: no such set.
    """
    if name not in SETS:
        raise UnknownName("set of cities", name, SETS)
    data = _data("towns.toml")
    rows = [line.split(":") for line in data["towns"].strip().splitlines()]
    towns = [
        _town(place.name, place.country.lower(), place.holds, dict(zip(COLUMNS, _parts(said), strict=True)), data)
        for place, (_, said) in zip(cities(), rows, strict=True)
    ]
    return Table(name, tuple(towns[: SETS[name]]))


def _town(name: str, country: str, holds: frozenset[str], columns: dict[str, str], data: Mapping[str, Any]) -> Town:
    food, driving = data["countries"][country]
    values = {
        "continent": next(c for c in CONTINENTS if f"Is it in {c}?" in holds),
        "coast": "on the coast" if LETTERS["c"] in holds else "inland",
        "climate": "freezing in winter" if LETTERS["w"] in holds else _whole("climate", columns["climate"]),
        "equator": "south" if LETTERS["s"] in holds else "north",
        "language": next(v for v in aspects()["language"].values if f"Is the language {v}?" in holds),
        "capital": "the capital" if LETTERS["k"] in holds else "a provincial city",
        "food": food,
        "driving": driving,
        **{key: _whole(key, columns[key]) for key in ("size", "land", "part", "fame")},
        **data["exceptions"].get(name.lower(), {}),
    }
    names = tuple(plain(text) for text in (name, *data["spellings"].get(name.lower(), ())))
    lands = tuple(plain(text) for text in (country, *data["country_spellings"].get(country, ())))
    return Town(name, country, names, names + lands, {aspect: values[aspect] for aspect in aspects()})


def _whole(aspect: str, start: str) -> str:
    """The value that begins like this; the shortest, where several do."""
    found = [value for value in aspects()[aspect].values if value.startswith(start)]
    if not found:
        raise TurnwiseError(f"{start!r} of {aspect!r}", "how a value begins", "see worlds/data/guess_my_city")
    return min(found, key=len)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads(files("turnwise.worlds").joinpath("data", "guess_my_city", name).read_text("utf-8"))


def plain(text: str) -> str:
    """A text in lower case without accents, punctuation and articles."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return " ".join(word for word in re.findall(r"[^\W_]+", bare) if word not in SKIPPED)


@lru_cache(maxsize=1)
def _meant() -> Mapping[str, Meaning]:
    """Normal form of every question -> what it asks about."""
    found: dict[str, Meaning] = {}
    for name, aspect in aspects().items():
        asked = [(text, Meaning(name, None)) for text in aspect.open]
        asked += [(text.format(value), Meaning(name, value)) for text in aspect.closed for value in aspect.values]
        asked += [(text, Meaning(name, value)) for text, value in aspect.also.items()]
        for text, meant in asked:
            if found.setdefault(plain(text), meant) != meant:
                raise TurnwiseError(f"{text!r} asks about {found[plain(text)]} and about {meant}", "one of them")
    return found


@lru_cache(maxsize=1 << 16)
def meaning(question: str) -> Meaning | None:
    """What a text asks about, whatever its case, articles and punctuation; None if it is no question of the table."""
    return _meant().get(plain(question))


@lru_cache(maxsize=1 << 16)
def mentions(text: str, names: tuple[str, ...]) -> bool:
    """Whether one of these normal forms occurs in a text, as whole words: a climate is no Lima."""
    words = f" {plain(text)} "
    return any(f" {name} " in words for name in names)


@lru_cache(maxsize=1 << 16)
def towns_named(text: str) -> tuple[str, ...]:
    """The towns of the whole list that a text names, in order."""
    words = f" {plain(text)} "
    return tuple(town.name for town in table().towns if any(f" {name} " in words for name in town.names))
