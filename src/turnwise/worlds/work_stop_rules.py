"""work-stop: the sibling of work-submit in which the player decides how long to go on.

Every turn that goes on costs .04; stopping costs nothing and pays, a little at once and 1 for finished work. So who of
a group is still there at a later turn depends on what they did and on their luck, and a baseline per turn index, the
mean return-to-go of those still there, is biased: it shrinks the credit of a turn by (n - 1)/n with n survivors. From
the uniform policy in groups of 8 its expected step has cosine .958 to the gradient (the same mean without one's own
return has 1), because late turns count too little.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

TURNS, ENOUGH, LUCK, WAITING = 10, 3, 0.7, 0.04
PAY = (0.3, 0.3, 0.4, 1.0)  # for stopping, by progress
ACTIONS = WORK, FLUFF, STOP = "work", "fluff", "stop"


class State(NamedTuple):
    t: int  # turns taken
    progress: int  # 0 to 3


def rules(state: State, action: int) -> list[Outcome]:
    """Work succeeds with probability .7 and, as fluff, costs .04; stopping pays and ends, the time ends without pay."""
    t, progress = state
    if ACTIONS[action] == STOP:
        return [Outcome(None, reward=PAY[progress])]
    last = t == TURNS - 1
    idle = Outcome(None if last else State(t + 1, progress), reward=-WAITING)
    if ACTIONS[action] == FLUFF or progress == ENOUGH or last:
        return [idle]
    return [idle._replace(after=State(t + 1, progress + 1), chance=LUCK), idle._replace(chance=1.0 - LUCK)]


@lru_cache
def problem() -> Tabular:
    """34 states, 3 actions, one task."""
    return unfold("work-stop", ACTIONS, {"work": State(0, 0)}, rules, lambda state: state.progress)
