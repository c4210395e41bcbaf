"""obstacle-run: a line of cells, each to be crossed in its own way; a wrong step is a fall (after specs/learn/poet)."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

FLAT, GAP, BEAM, STUMP = KINDS = ("flat", "gap", "beam", "stump")
END = "end"
ACTS = WALK, RUN, JUMP, DUCK, CLIMB, WAIT = ("walk", "run", "jump", "duck", "climb", "wait")
CROSSES = {GAP: JUMP, BEAM: DUCK, STUMP: CLIMB}


class State(NamedTuple):
    t: int  # turns taken
    cell: int  # cells crossed


@lru_cache
def line(length: int, gaps: int, beams: int, stumps: int) -> tuple[str, ...]:
    """What lies in each cell: obstacles taken in turn, gap, beam, stump, and spread over the cells behind the first."""
    left = {GAP: gaps, BEAM: beams, STUMP: stumps}
    things: list[str] = []
    while any(left.values()):
        for kind in left:
            if left[kind]:
                things.append(kind)
                left[kind] -= 1
    cells = [FLAT] * length
    for number, kind in enumerate(things):
        cells[1 + number * (length - 1) // len(things)] = kind
    return tuple(cells)


def right_act(cells: tuple[str, ...], cell: int) -> str:
    """What takes one across a cell: a gap needs a run-up from the flat cell before it."""
    here = cells[cell]
    if here != FLAT:
        return CROSSES[here]
    return RUN if cells[cell + 1 : cell + 2] == (GAP,) else WALK


def rules(state: State, action: int, cells: tuple[str, ...], slip: float) -> list[Outcome]:
    """The right act goes on a cell, and from the last one earns 1; `slip` is the chance to fall all the same."""
    t, cell = state
    last = t + 1 == 2 * len(cells)
    if ACTS[action] == WAIT:
        return [Outcome(None if last else State(t + 1, cell))]
    if ACTS[action] != right_act(cells, cell):
        return [Outcome(None)]
    if cell + 1 == len(cells):
        on = Outcome(None, 1.0 - slip, 1.0)
    else:
        on = Outcome(None if last else State(t + 1, cell + 1), 1.0 - slip)
    return [on, Outcome(None, slip)]


@lru_cache(512)
def problem(length: int, gaps: int, beams: int, stumps: int, slip: float) -> Tabular:
    """6 acts; states are pairs of time and cell."""
    step = partial(rules, cells=line(length, gaps, beams, stumps), slip=slip)
    return unfold("obstacle-run", ACTS, {"run": State(0, 0)}, step, lambda state: state.cell)
