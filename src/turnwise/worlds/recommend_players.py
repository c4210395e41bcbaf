"""Scripted recommenders; each reads the conversation alone, in which the catalogue is known.

    always-recommend   shows the best candidates, every turn
    entropy-greedy     asks what splits the candidates most evenly until a list can hold them all, then shows them
    now-or-later       asks so too, but shows a list with probability k / candidates (what EAR's policy imitates first)
    halving            asks so among what fits every answer: the catalogue's candidates still hold what was rejected
    careless           entropy-greedy half of the time, else random
    random             any question, or one time in five a list

Success and turns on the 359 papers, a failure counted as T, own simulation of 178 episodes (95 % within 0.08 and 0.9):

    K, T                1, 7        1, 15        3, 7        3, 15
    always-recommend   .21 6.4     .34 12.2     .43 5.5     .65  9.1
    random             .16 6.7     .53 12.0     .30 6.3     .69 10.4
    careless           .29 6.7     .82 10.9     .47 6.3     .92  9.2
    entropy-greedy     .63 6.8     .98 10.3     .78 6.5    1.00  9.0
    now-or-later       .61 6.6     .98  9.3     .79 5.6     .99  6.9
    halving            .69 6.3    1.00  7.0     .92 5.5    1.00  5.7

So asking always finds more, but at T = 7 it takes as many turns as showing at once: lists that fail early are few.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds.base import Expert
from turnwise.worlds.recommend_memory import remember
from turnwise.worlds.recommend_rules import Search

if TYPE_CHECKING:
    from turnwise.worlds.recommend import Recommend

LIST_RATE = 0.2
"""How often the random player shows a list."""

Policy = Callable[[Search, bool, np.random.Generator, int], int | None]
"""From what is known, whether this is the last turn, draws and the length of a list to the attribute that is asked;
None shows a list.
"""


def always(search: Search, last: bool, rng: np.random.Generator, k: int) -> None:
    return None


def greedy(search: Search, last: bool, rng: np.random.Generator, k: int) -> int | None:
    """The attribute of the highest entropy, unless a list holds all candidates or no question would split them."""
    if last or search.size <= k or not search.splitting:
        return None
    open_ones = search.askable
    return int(open_ones[np.argmin(np.abs(2 * search.counts[open_ones] - search.size))])


def now_or_later(search: Search, last: bool, rng: np.random.Generator, k: int) -> int | None:
    return None if rng.random() * search.size < k else greedy(search, last, rng, k)


def randomly(search: Search, last: bool, rng: np.random.Generator, k: int) -> int | None:
    open_ones = search.askable
    if not len(open_ones) or rng.random() < LIST_RATE:
        return None
    return int(open_ones[rng.integers(len(open_ones))])


def careless(search: Search, last: bool, rng: np.random.Generator, k: int) -> int | None:
    return (greedy if rng.random() < 0.5 else randomly)(search, last, rng, k)


def player(policy: Policy) -> Callable[[Recommend], Expert]:
    """What makes the player of a policy; it phrases a question in any of the ways there are."""

    def made(world: Recommend) -> Expert:
        names = world.catalogue.attributes
        asks, shows = world.language.wordings["ask"], world.language.wordings["show"]

        def says(view: View, rng: np.random.Generator) -> str:
            memory = remember(world, view.messages)
            attribute = policy(memory.search, memory.turns + 1 == world.max_turns, rng, world.k)
            if attribute is None:
                return shows[rng.integers(len(shows))] + "\n"
            return asks[rng.integers(len(asks))].replace("{about}", names[attribute]) + "\n"

        return says

    return made


def halving(world: Recommend) -> Expert:
    """What makes the player who uses every answer for itself; at most `k` items left, it names them."""
    catalogue = world.catalogue

    def says(view: View, rng: np.random.Generator) -> str:
        memory = remember(world, view.messages)
        items = np.array(memory.fitting())
        counts, last = catalogue.counts(catalogue.set_of(items.tolist())), memory.turns + 1 == world.max_turns
        splits = np.flatnonzero((counts > 0) & (counts < len(items)))
        if last or len(items) <= world.k or not len(splits):
            best = memory.search.first(items, world.k)
            return f"recommend {' '.join(catalogue.items[i] for i in best)}\n"
        asked = splits[np.argmin(np.abs(2 * counts[splits] - len(items)))]
        wordings = world.language.wordings["ask"]
        return wordings[rng.integers(len(wordings))].replace("{about}", catalogue.attributes[asked]) + "\n"

    return says


EXPERTS: Mapping[str, Callable[[Recommend], Expert]] = {
    "always-recommend": player(always),
    "careless": player(careless),
    "entropy-greedy": player(greedy),
    "halving": halving,
    "now-or-later": player(now_or_later),
    "random": player(randomly),
}
