"""combination-lock: one sequence of digits opens it, the first wrong one jams it for good (specs/learn/rlgf)."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

LENGTH = 10
DIGITS = ("0", "1", "2")
CODE = (1, 2, 0, 0, 2, 1, 0, 2, 2, 1)
"""The right digit of each dial; a longer lock begins again."""


class State(NamedTuple):
    t: int  # dials turned
    jammed: int  # 1 once one of them was wrong


def right(dial: int) -> int:
    """The digit that a dial, counted from 0, must be turned to."""
    return CODE[dial % len(CODE)]


def rules(state: State, action: int, length: int = LENGTH) -> list[Outcome]:
    """A wrong digit jams the lock; what is turned after that moves nothing. The last dial, unjammed, opens it: 1."""
    jammed = int(state.jammed or action != right(state.t))
    if state.t == length - 1:
        return [Outcome(None, reward=float(not jammed))]
    return [Outcome(State(state.t + 1, jammed))]


@lru_cache
def problem(length: int = LENGTH) -> Tabular:
    """2 * length - 1 states, 3 actions, no luck, one task: a blind player opens it once in 3 ** length episodes."""
    step = partial(rules, length=length)
    return unfold("combination-lock", DIGITS, {"lock": State(0, 0)}, step, lambda state: state.jammed)
