"""bit-search: ask noisily for three hidden bits, then name them all (specs/credit/README).

A state holds, per bit, how many more answers said "one" than said "zero": all that matters of what was heard.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

BITS, TURNS = 3, 7
FACTS = tuple(product((0, 1), repeat=BITS))
RELIABILITY = {"q=.70": 0.70, "q=.95": 0.95}
CHAT, ANSWER = BITS, BITS + 1
ACTIONS = (*(f"ask {bit}" for bit in range(BITS)), "chat", "answer")


class State(NamedTuple):
    q: float  # probability that an answer about a bit is right
    t: int  # turns taken
    counts: tuple[int, ...]  # per bit, net


def guessed(counts: tuple[int, ...], fact: tuple[int, ...]) -> float:
    """Probability that guessing each bit by the sign of its count, a tie by a coin, names them all."""
    return prod(0.5 if count == 0 else float((count > 0) == bit) for count, bit in zip(counts, fact, strict=True))


def rules(state: State, action: int) -> list[Outcome]:
    """Asking moves one count, chatting nothing; answering ends with 1 if all bits are right, the time ends with 0."""
    q, t, counts = state
    if action == ANSWER:
        right = np.array([guessed(counts, fact) for fact in FACTS])
        return [Outcome(None, right, 1.0), Outcome(None, 1.0 - right)]
    if t == TURNS - 1:
        return [Outcome(None)]
    if action == CHAT:
        return [Outcome(State(q, t + 1, counts))]
    one = np.array([q if fact[action] else 1.0 - q for fact in FACTS])
    heard = [
        State(q, t + 1, tuple(c + step * (bit == action) for bit, c in enumerate(counts)))
        for step in (1, -1)
    ]  # fmt: skip
    return [Outcome(heard[0], one), Outcome(heard[1], 1.0 - one)]


def posterior(q: float, count: int) -> float:
    """Probability that a bit is one."""
    z = (q / (1.0 - q)) ** count
    return z / (1.0 + z)


def probe(state: State, fact: tuple[int, ...]) -> float:
    """Geometric mean over the bits of the posterior of their true values."""
    ones = [posterior(state.q, count) for count in state.counts]
    return prod(p if bit else 1.0 - p for p, bit in zip(ones, fact, strict=True)) ** (1 / BITS)


@lru_cache
def problem() -> Tabular:
    """833 states for each of the two tasks, 5 actions, 8 hidden facts."""
    starts = {name: State(q, 0, (0,) * BITS) for name, q in RELIABILITY.items()}
    prior = [1 / len(FACTS)] * len(FACTS)
    bare = unfold("bit-search", ACTIONS, starts, rules, lambda state: (state.q, state.counts), prior)
    return replace(bare, probe=np.array([[probe(point, fact) for point in bare.points] for fact in FACTS]))
