"""loop-grid: sixteen cells with slippery moves, where one comes by the same places again (specs/credit/README)."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

SIDE, TURNS, SLIP = 4, 12, 0.1
GOAL = (3, 3)
WALLS = {(1, 1), (2, 1)}
MOVES = {"up": (0, -1), "right": (1, 0), "down": (0, 1), "left": (-1, 0)}


class State(NamedTuple):
    t: int  # turns taken
    x: int
    y: int


def moved(x: int, y: int, move: str) -> tuple[int, int]:
    """The cell where a move ends; into a wall or the border one stays."""
    to = x + MOVES[move][0], y + MOVES[move][1]
    return (x, y) if to in WALLS or not all(0 <= part < SIDE for part in to) else to


@lru_cache
def distance(x: int, y: int) -> int:
    """Steps from a cell to the goal, around the walls and without slips."""
    ring, steps, known = {GOAL}, 0, {GOAL}
    while (x, y) not in ring:
        ring = {moved(*cell, move) for cell in ring for move in MOVES} - known
        known |= ring
        steps += 1
    return steps


def rules(state: State, action: int) -> list[Outcome]:
    """The intended move, or with probability .1 a uniform one instead; the goal earns 1 and ends the walk."""
    t, x, y = state
    chances: defaultdict[tuple[int, int], float] = defaultdict(float)
    for number, move in enumerate(MOVES):
        chances[moved(x, y, move)] += SLIP / len(MOVES) + (1.0 - SLIP) * (number == action)
    last = t == TURNS - 1
    return [
        Outcome(None if last or cell == GOAL else State(t + 1, *cell), chance, float(cell == GOAL))
        for cell, chance in chances.items()
    ]


@lru_cache
def problem() -> Tabular:
    """119 states, 4 actions, one task."""
    return unfold("loop-grid", tuple(MOVES), {"grid": State(0, 0, 0)}, rules, lambda state: state[1:])
