"""Scripted players of Guess My City, from clueless to near the ceiling; each reads the conversation alone.

Mean return and share of games won, own simulation, answers by the table (standard errors below 0.17 and 0.012):

    cities           splitter        yes-no       curious        random
    99 (all)      -2.32  1.00   -6.72  1.00  -15.78  0.38  -19.55  0.05
    24 (small)    -1.67  1.00   -4.67  1.00  -10.15  0.77  -17.90  0.18

The published data, which two language models made, has -18.8 and 0.53.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds.base import Expert
from turnwise.worlds.guess_my_city_answers import fitting, pairs
from turnwise.worlds.guess_my_city_table import GUESSES, Meaning, Table, aspects, towns_named

CLOSED = tuple(Meaning(name, value) for name, aspect in aspects().items() for value in aspect.values)
OPEN = tuple(Meaning(name, None) for name in aspects())


class Player:
    """What all players share: the cities they know, and how they read a conversation."""

    def __init__(self, known: Table, as_released: bool = False):
        self.known, self.as_released = known, as_released

    def question(self, said: Sequence[tuple[str, str]], rng: np.random.Generator) -> str:
        """The text to say after these (question, answer)."""
        raise NotImplementedError

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        texts = [message.text for message in view.messages if message.role in ("user", "assistant")][1:]
        return self.question(pairs(texts), rng) + "\n"

    def guess(self, mask: int, rng: np.random.Generator) -> str:
        """One of the towns of a set, in one of the ways to name it, uniform."""
        return choice(GUESSES, rng).format(choice(self.known.members(mask), rng).name)


class Splitter(Player):
    """Asks what leaves the fewest cities on average, and guesses once a single one is left, or nothing tells them
    apart.
    """

    def __init__(self, known: Table, as_released: bool = False, open_too: bool = True):
        super().__init__(known, as_released)
        self.open_too = open_too and not as_released  # as released an open question is answered no

    def question(self, said: Sequence[tuple[str, str]], rng: np.random.Generator) -> str:
        left = fitting(self.known, said, self.as_released)
        if self.as_released:
            left = self.not_named(left, said)
        best = best_splits(self.known, left, self.open_too)
        return ask(choice(best, rng), rng) if best else self.guess(left, rng)

    def not_named(self, left: int, said: Sequence[tuple[str, str]]) -> int:
        """As released a game goes on after its city was named, so a player goes on to the others."""
        for question, _ in said:
            for name in towns_named(question):
                left &= ~(1 << self.known.index[name]) if name in self.known.index else -1
        return left or self.known.everything


class RandomAsker(Player):
    """Ignores all answers: any question, or with probability `guess_rate` any city."""

    guess_rate = 0.25

    def question(self, said: Sequence[tuple[str, str]], rng: np.random.Generator) -> str:
        if rng.random() < self.guess_rate:
            return self.guess(self.known.everything, rng)
        return ask(choice(OPEN if rng.random() < 0.5 else CLOSED, rng), rng)


class Curious(Player):
    """Asks open questions as they come to mind, remembers its last `memory` answers alone, and with probability
    `rash` names one of the cities that these leave. With a memory of one, all it does follows from the last answer.
    """

    def __init__(self, known: Table, as_released: bool = False, memory: int = 1, rash: float = 0.5):
        super().__init__(known, as_released)
        self.memory, self.rash = memory, rash

    def question(self, said: Sequence[tuple[str, str]], rng: np.random.Generator) -> str:
        if said and rng.random() < self.rash:
            return self.guess(fitting(self.known, said[-self.memory :], self.as_released), rng)
        return ask(choice(OPEN, rng), rng)


def ask(about: Meaning, rng: np.random.Generator) -> str:
    """One of the ways to ask, uniform."""
    aspect = aspects()[about.aspect]
    return choice(aspect.open, rng) if about.value is None else choice(aspect.closed, rng).format(about.value)


@lru_cache(maxsize=100_000)
def best_splits(known: Table, left: int, open_too: bool) -> tuple[Meaning, ...]:
    """The questions after which the fewest towns of a set are left on average; none if none splits it."""
    size, after = left.bit_count(), dict[Meaning, int]()
    for about in CLOSED:
        yes = (known.holding.get(about, 0) & left).bit_count()
        after[about] = yes**2 + (size - yes) ** 2
    for name, aspect in aspects().items() if open_too else ():
        counts = ((known.holding.get(Meaning(name, value), 0) & left).bit_count() for value in aspect.values)
        after[Meaning(name, None)] = sum(n**2 for n in counts)
    least = min(after.values())
    return tuple(about for about, n in after.items() if n == least) if least < size**2 else ()


def choice(options: Sequence[Any], rng: np.random.Generator) -> Any:
    """One of the options, uniform; one number is drawn."""
    return options[int(rng.random() * len(options))]


EXPERTS: Mapping[str, Callable[[Any], Expert]] = {
    "curious": lambda world: Curious(world.table, world.as_released),
    "random": lambda world: RandomAsker(world.table, world.as_released),
    "splitter": lambda world: Splitter(world.table, world.as_released),
    "yes-no": lambda world: Splitter(world.table, world.as_released, open_too=False),
}
