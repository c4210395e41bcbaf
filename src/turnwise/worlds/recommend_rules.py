"""The rules of multi-round recommendation: what has been found out, what it leaves, what it pays
(specs/users/crs-multi-round).

    V_cand = items that have all accepted attributes, without those that were shown and rejected
    w(v)   = sum_{p accepted} e_v.e_p - sum_{p rejected, p in A(v)} sigmoid(e_v.e_p)
    H(p)   = -q log2 q - (1 - q) log2(1 - q),   q the share of candidates with attribute p, weighted by sigmoid(w)

A rejected attribute orders the candidates and removes none. e_p is the unit vector of an attribute, e_v that of an
item's attributes weighted by their rarity; the sheet's e_u.e_v is 0, since nothing is known of a reader beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from turnwise.worlds.recommend_catalogue import Catalogue

PAYS: Mapping[str, Mapping[str, float]] = {
    "unicorn": {"yes": 0.01, "no": -0.1, "accept": 1.0, "reject": -0.1, "limit": -0.3, "empty": -0.1},
    "ear": {"yes": 0.09, "no": -0.01, "accept": 0.99, "reject": -0.01, "limit": -0.3, "empty": -0.01},
}
"""Rewards per turn by table; EAR's -0.01 of every turn is in them. The limit's comes in place of the turn's own."""


@dataclass(frozen=True, eq=False)
class Search:
    """What has been said so far about a wish; `search` makes one."""

    catalogue: Catalogue
    accepted: tuple[int, ...]  # attributes, sorted
    rejected: tuple[int, ...]
    shown: tuple[int, ...]  # items that were turned down

    @cached_property
    def candidates(self) -> np.ndarray:
        """uint64 [W]: V_cand."""
        found = self.catalogue.everything
        for attribute in self.accepted:
            found = found & self.catalogue.having[attribute]
        return found & ~self.catalogue.set_of(self.shown) if self.shown else found

    @cached_property
    def size(self) -> int:
        """How many candidates are left."""
        return int(np.bitwise_count(self.candidates).sum())

    @cached_property
    def counts(self) -> np.ndarray:
        """int64 [A]: candidates that have each attribute."""
        return self.catalogue.counts(self.candidates)

    @cached_property
    def askable(self) -> np.ndarray:
        """int64: attributes of some candidate that were not answered yet."""
        open_ones = self.counts > 0
        open_ones[list(self.accepted + self.rejected)] = False
        return np.flatnonzero(open_ones)

    @cached_property
    def splitting(self) -> bool:
        """Whether a question is left that some candidates would answer otherwise than others."""
        return bool((self.counts[self.askable] < self.size).any())

    def told(self, attribute: int, yes: bool) -> Search:
        """After an answer; the last one counts where there are two."""
        accepted = [a for a in self.accepted if a != attribute]
        rejected = [a for a in self.rejected if a != attribute]
        (accepted if yes else rejected).append(attribute)
        return search(self.catalogue, accepted, rejected, self.shown)

    def turned_down(self, items: Sequence[int]) -> Search:
        """After a list that does not hold what is wanted."""
        return search(self.catalogue, self.accepted, self.rejected, (*self.shown, *items))

    def of_use(self, items: Sequence[int]) -> bool:
        """Whether it is time to show this list: it holds at least half of the candidates, or no question would tell
        them apart.
        """
        there = int(np.bitwise_count(self.catalogue.set_of(items) & self.candidates).sum())
        return 2 * there >= self.size if self.splitting else there > 0

    def scores(self, items: np.ndarray) -> np.ndarray:
        """float64 [items]: w."""
        rarity, lengths = self.catalogue.rarity, self.catalogue.lengths[items]
        found = np.full(len(items), rarity[list(self.accepted)].sum()) / lengths
        for attribute in self.rejected:
            found -= self.catalogue.has(attribute, items) / (1.0 + np.exp(-rarity[attribute] / lengths))
        return found

    def best(self, count: int) -> tuple[int, ...]:
        """The candidates with the highest scores, ties in the order of the catalogue; others where too few are left."""
        items = self.catalogue.members(self.candidates)
        if len(items) < count:
            hidden = self.catalogue.everything & ~self.catalogue.set_of((*items.tolist(), *self.shown))
            items = np.concatenate([items, self.catalogue.members(hidden)[: count - len(items)]])
            return tuple(items.tolist())
        return self.first(items, count)

    def first(self, items: np.ndarray, count: int) -> tuple[int, ...]:
        """Of these items those with the highest scores, ties in their order."""
        scores = self.scores(items)
        if len(items) > count:  # sort only what can be among them
            near = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
            items, scores = items[near], scores[near]
        return tuple(items[np.argsort(-scores, kind="stable")[:count]].tolist())

    def entropies(self, weighted: bool = False) -> np.ndarray:
        """float64 [A]: H of each attribute among the candidates, in bits; by number, or weighted by sigmoid(w)."""
        if not weighted:
            return entropy(self.counts / max(1, self.size))
        items, catalogue = self.catalogue.members(self.candidates), self.catalogue
        weights = 1.0 / (1.0 + np.exp(-self.scores(items)))
        of = [catalogue.flat[catalogue.starts[i] : catalogue.starts[i + 1]] for i in items]
        each = np.repeat(weights, [len(has) for has in of])
        sums = np.bincount(np.concatenate(of), each, len(catalogue.attributes)) if of else np.zeros(0)
        return entropy(sums / weights.sum())


def search(
    catalogue: Catalogue, accepted: Iterable[int] = (), rejected: Iterable[int] = (), shown: Iterable[int] = ()
) -> Search:
    """What was said, in whatever order; what follows from it is computed once for all conversations that come to it."""
    return _search(catalogue, tuple(sorted(accepted)), tuple(sorted(rejected)), tuple(sorted(set(shown))))


_search = lru_cache(maxsize=1 << 13)(Search)


def entropy(shares: np.ndarray) -> np.ndarray:
    """Bits of a yes or no of probability `shares`; 0 at 0 and at 1."""
    q = np.clip(shares, 0.0, 1.0)
    inside = (q > 0.0) & (q < 1.0)
    p = np.where(inside, q, 0.5)
    return np.where(inside, -p * np.log2(p) - (1.0 - p) * np.log2(1.0 - p), 0.0)


def hdcg(turn: int | None, rank: int) -> float:
    """hDCG of one conversation: accepted at an agent's turn, counted from 1, at a rank of the list, from 1; 0 at a
    failure (None).
    """
    if turn is None:
        return 0.0
    now, next_turn = 1.0 / math.log2(turn + 1), 1.0 / math.log2(turn + 2)
    return next_turn + (now - next_turn) / math.log2(rank + 1)
