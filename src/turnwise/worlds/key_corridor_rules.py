"""key-corridor: one early act decides what the last one is worth (specs/credit/README)."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

TURNS = 8
KEY_TURN = 2


class State(NamedTuple):
    t: int  # turns taken
    key: int  # 1 once it was taken


def rules(state: State, action: int, turns: int = TURNS) -> list[Outcome]:
    """Action 0 takes the key at turn 2 and opens the door at the last turn; everything else does nothing."""
    t, key = state
    if t == turns - 1:
        return [Outcome(None, reward=float(key and action == 0))]
    return [Outcome(State(t + 1, key | (t == KEY_TURN and action == 0)))]


@lru_cache
def problem(turns: int = TURNS) -> Tabular:
    """13 states at 8 turns, two more for every further one; 4 actions, no luck, one task."""
    step = partial(rules, turns=turns)
    return unfold("key-corridor", ("0", "1", "2", "3"), {"corridor": State(0, 0)}, step, lambda state: state.key)
