"""Catalogues: items and the attributes they have, as bit sets, so that a question to 100,000 items costs microseconds.

Axes: A attributes, V items, W words of 64 items each, V rounded up.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError

FACETS = ("kind", "mood", "era", "place", "style", "length")
VALUES = 16
"""Facets of a generated catalogue, and values of each."""
CLUSTERS = 12
"""Kinds of items in a generated catalogue; each has favourite values in every facet."""
LARGEST = 1_000_000


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Items with attributes.

    Args:
        items: their names, which contain no space.
        attributes: "facet value" each.
        flat: int64: the attributes of item after item.
        starts: int64 [V + 1]: where the attributes of an item begin in `flat`.
    """

    items: tuple[str, ...]
    attributes: tuple[str, ...]
    flat: np.ndarray
    starts: np.ndarray

    @cached_property
    def having(self) -> np.ndarray:
        """uint64 [A, W]: per attribute the set of items that have it."""
        found = np.zeros((len(self.attributes), len(self.everything) * 8), np.uint8)
        owner = np.repeat(np.arange(len(self.items)), np.diff(self.starts))
        np.bitwise_or.at(found, (self.flat, owner >> 3), np.left_shift(1, owner & 7).astype(np.uint8))
        return found.view(np.uint64)

    @cached_property
    def everything(self) -> np.ndarray:
        """uint64 [W]: the set of all items."""
        words = -(-len(self.items) // 64)
        bits = np.zeros(64 * words, np.uint8)
        bits[: len(self.items)] = 1
        return np.packbits(bits, bitorder="little").view(np.uint64)

    def of(self, item: int) -> tuple[int, ...]:
        """The attributes of an item."""
        return tuple(self.flat[self.starts[item] : self.starts[item + 1]].tolist())

    def counts(self, among: np.ndarray) -> np.ndarray:
        """int64 [A]: how many of a set of items have each attribute."""
        return np.bitwise_count(self.having & among).sum(1, dtype=np.int64)

    def members(self, among: np.ndarray) -> np.ndarray:
        """int64: the items of a set, in the order of the catalogue."""
        return np.flatnonzero(np.unpackbits(among.view(np.uint8), bitorder="little"))

    def has(self, attribute: int, items: np.ndarray) -> np.ndarray:
        """bool [items]: which of the items have an attribute."""
        return (self.having[attribute][items >> 6] >> (items & 63).astype(np.uint64) & np.uint64(1)).astype(bool)

    def set_of(self, items: Sequence[int]) -> np.ndarray:
        """uint64 [W]: the set of these items."""
        bits = np.zeros(64 * len(self.everything), np.uint8)
        bits[list(items)] = 1
        return np.packbits(bits, bitorder="little").view(np.uint64)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Attribute -> its number."""
        return {name: at for at, name in enumerate(self.attributes)}

    @cached_property
    def number(self) -> Mapping[str, int]:
        """Item -> its number."""
        return {name: at for at, name in enumerate(self.items)}

    @cached_property
    def facets(self) -> Mapping[str, tuple[int, ...]]:
        """Facet -> its attributes."""
        found: dict[str, list[int]] = {}
        for at, name in enumerate(self.attributes):
            found.setdefault(name.partition(" ")[0], []).append(at)
        return {facet: tuple(of) for facet, of in found.items()}

    @cached_property
    def rarity(self) -> np.ndarray:
        """float64 [A]: ln(V / items that have it), the weight of an attribute in an item's vector."""
        return np.log(len(self.items) / np.maximum(1, self.counts(self.everything)))

    @cached_property
    def lengths(self) -> np.ndarray:
        """float64 [V]: of the items' vectors before they are normalised; 1 where all weights are 0."""
        sums = np.add.reduceat(self.rarity[self.flat] ** 2, self.starts[:-1])
        return np.where(sums > 0, np.sqrt(sums), 1.0)


def built(items: Sequence[str], attributes: Sequence[str], of: Sequence[Sequence[int]]) -> Catalogue:
    """From the attributes of each item.

    Raises:
        TurnwiseError: an item without attributes.
    """
    if bare := [name for name, has in zip(items, of, strict=True) if not len(has)]:
        raise TurnwiseError(f"item {bare[0]!r} without attributes", "at least one for each item")
    flat = np.fromiter((a for has in of for a in has), np.int64)
    starts = np.concatenate([[0], np.cumsum([len(has) for has in of])])
    return Catalogue(tuple(items), tuple(attributes), flat, starts)


@lru_cache(maxsize=1)
def papers() -> Catalogue:
    """The shipped catalogue: 359 papers, 94 attributes (worlds/data/recommend)."""
    place = files("turnwise.worlds") / "data" / "recommend" / "papers.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(place.read_bytes()).decode().splitlines()]
    names = sorted({name for row in rows for name in row["attributes"]})
    at = {name: number for number, name in enumerate(names)}
    of = [[at[name] for name in row["attributes"]] for row in rows]
    return built([row["id"] for row in rows], [name.replace(":", " ", 1) for name in names], of)


@lru_cache(maxsize=4)
def generated(items: int) -> Catalogue:
    """A catalogue of any size: 96 attributes in 6 facets; an item has one or two values of each.

    Items belong to kinds that share their favourites, and values are popular by Zipf's law, so attributes depend on
    each other as they do in real catalogues. The size decides everything: it is always the same catalogue.

    Raises:
        TurnwiseError: fewer than 20 items, or too many.
    """
    if not 20 <= items <= LARGEST:
        raise TurnwiseError(f"a catalogue of {items} items", f"20 to {LARGEST}")
    rng = generator("recommend: catalogue", items)
    attributes = [f"{facet} {value}" for facet in FACETS for value in words(VALUES, rng)]
    zipf = 1.0 / np.arange(1, VALUES + 1)
    cluster, chosen = rng.integers(CLUSTERS, size=items), np.zeros((items, len(attributes)), bool)
    for number in range(len(FACETS)):
        laws = np.array([0.5 * zipf + 0.5 * rng.permutation(zipf) for _ in range(CLUSTERS)])  # [clusters, values]
        keys = np.log(laws)[cluster] + rng.gumbel(size=(items, VALUES))
        order = np.argsort(-keys, axis=1)
        here = chosen[:, number * VALUES : (number + 1) * VALUES]
        np.put_along_axis(here, order[:, :1], True, axis=1)
        second = np.flatnonzero(rng.random(items) < 0.5)
        here[second, order[second, 1]] = True
    owner, flat = np.nonzero(chosen)
    starts = np.searchsorted(owner, np.arange(items + 1))
    width = len(str(items - 1))
    return Catalogue(tuple(f"i{n:0{width}d}" for n in range(items)), tuple(attributes), flat, starts)


def words(count: int, rng: np.random.Generator) -> list[str]:
    """Made-up words of two syllables, all different."""
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(syllables[i] for i in rng.integers(len(syllables), size=2))] = None
    return list(found)
