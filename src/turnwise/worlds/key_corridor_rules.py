"""key-corridor: early acts decide what the last one is worth (specs/credit/README; several keys are ours)."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, NamedTuple

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

TURNS = 8
KEY_TURN = 2


class State(NamedTuple):
    t: int  # turns taken
    key: int  # keys in hand


def rules(state: State, action: int, turns: int = TURNS, keys: int = 1, luck: float = 0.0) -> list[Outcome]:
    """Action 0 takes a key where there is one, the first at turn 2, and opens the door with all of them at the last
    turn; there another action may do the same by luck. Who misses one loses those before it. All else does nothing.
    """
    t, key = state
    chance = 1.0 if action == 0 else luck
    if t == turns - 1:
        return [Outcome(None, share, reward) for share, reward in between(chance * (key == keys), 1.0, 0.0)]
    places = key_turns(turns, keys)
    if t not in places:
        return [Outcome(State(t + 1, key))]
    found = chance * (key == places.index(t))
    return [Outcome(State(t + 1, after), share) for share, after in between(found, key + 1, 0)]


def between(chance: float, one: Any, other: Any) -> list[tuple[float, Any]]:
    """What is possible of two things, with its chance."""
    return [(share, what) for share, what in ((chance, one), (1.0 - chance, other)) if share]


def key_turns(turns: int, keys: int) -> range:
    """Where keys are: evenly apart, as far as there are turns before the last."""
    apart = (turns - 1 - KEY_TURN) // keys
    return range(KEY_TURN, KEY_TURN + keys * apart, apart)


@lru_cache
def problem(turns: int = TURNS, keys: int = 1, luck: float = 0.0) -> Tabular:
    """13 states at 8 turns with one key, two more for every further turn; 4 actions, one task."""
    step = partial(rules, turns=turns, keys=keys, luck=luck)
    return unfold("key-corridor", ("0", "1", "2", "3"), {"corridor": State(0, 0)}, step, lambda state: state.key)
