"""skill-chains: skills that build on one another, among many errands of one kind and dreams that nobody can do
(specs/learn/omni).
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

from turnwise.core.chance import generator
from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

BUTTONS, WAIT = 6, 6  # actions 0 to 5 press a button, 6 waits
CHAINS = "abcdefgh"


class State(NamedTuple):
    task: str
    step: int  # right buttons pressed so far
    t: int  # turns taken


@lru_cache
def buttons(chains: int, depth: int, errands: int) -> dict[str, tuple[int, ...]]:
    """Task -> its right buttons: skill b3 takes the first three of chain b, an errand a single one of its own."""
    rng = generator("skill-chains")
    codes = {chain: tuple(rng.integers(BUTTONS, size=depth).tolist()) for chain in CHAINS[:chains]}
    found = {f"skill {c}{length}": code[:length] for c, code in codes.items() for length in range(1, depth + 1)}
    return found | {f"errand {number}": (int(rng.integers(BUTTONS)),) for number in range(1, errands + 1)}


def rules(state: State, action: int, right: dict[str, tuple[int, ...]], turns: int) -> list[Outcome]:
    """A right button is a step on, and the last step earns 1; a wrong button ends the episode, as the last turn does.

    A dream has no right button.
    """
    task, step, t = state
    wanted = right.get(task, ())
    if action == WAIT:
        return [Outcome(State(task, step, t + 1) if t + 1 < turns else None)]
    if not wanted or action != wanted[step]:
        return [Outcome(None)]
    if step + 1 == len(wanted):
        return [Outcome(None, reward=1.0)]
    return [Outcome(State(task, step + 1, t + 1) if t + 1 < turns else None)]


@lru_cache
def problem(chains: int, depth: int, errands: int, dreams: int) -> Tabular:
    """All tasks in one table; 7 actions, no luck."""
    right = buttons(chains, depth, errands)
    starts = {task: State(task, 0, 0) for task in (*right, *(f"dream {number}" for number in range(1, dreams + 1)))}
    step = partial(rules, right=right, turns=depth)
    return unfold("skill-chains", tuple("1234567"), starts, step, lambda state: state[:2])
