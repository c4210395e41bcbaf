"""bit-naming: ask noisily for four hidden bits, then name them all: the sparse sibling of bit-search.

There "answer" lets the world name the bits by majority; here the player has to say them, one code of sixteen, so the
right answer of a task is a reply that a policy can be asked for, and a player who knows nothing wins one game in
sixteen.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from itertools import product
from typing import NamedTuple

import numpy as np

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

BITS, TURNS, RIGHT = 4, 7, 0.95
FACTS = tuple(product((0, 1), repeat=BITS))
CODES = tuple(" ".join(map(str, fact)) for fact in FACTS)
ACTIONS = (*(f"ask {bit}" for bit in range(BITS)), "chat", *CODES)
CHAT, NAMING = BITS, BITS + 1


class State(NamedTuple):
    t: int  # turns taken
    counts: tuple[int, ...]  # per bit, how many more answers said "one" than said "zero"


def rules(turns: int, right: float, state: State, action: int) -> list[Outcome]:
    """Asking moves one count, chatting nothing; naming ends with 1 if all bits are right, the time ends with 0."""
    t, counts = state
    if action >= NAMING:
        hit = np.array([float(fact == FACTS[action - NAMING]) for fact in FACTS])
        return [Outcome(None, hit, 1.0), Outcome(None, 1.0 - hit)]
    if t == turns - 1:
        return [Outcome(None)]
    if action == CHAT:
        return [Outcome(State(t + 1, counts))]
    one = np.array([right if fact[action] else 1.0 - right for fact in FACTS])
    heard = [State(t + 1, tuple(c + step * (bit == action) for bit, c in enumerate(counts))) for step in (1, -1)]
    return [Outcome(heard[0], one), Outcome(heard[1], 1.0 - one)]


@lru_cache
def problem(turns: int = TURNS, right: float = RIGHT) -> Tabular:
    """21 actions, 16 hidden facts, one task; 2471 states where there are seven turns. The probe is the posterior of
    the true code.
    """
    prior = [1 / len(FACTS)] * len(FACTS)
    start = {"bits": State(0, (0,) * BITS)}
    bare = unfold("bit-naming", ACTIONS, start, partial(rules, turns, right), lambda state: state.counts, prior)
    return replace(bare, probe=bare.belief.T.copy())
