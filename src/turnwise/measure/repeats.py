"""How much of an episode is repetition (specs/evaluate/first-error-recovery-loops; the loop rule is the sheet's own).

    repeat fraction   1 - distinct (state, action) pairs / steps
    longest run       longest block of identical (state, action) pairs
    cycle             smallest p such that the last 2p pairs are the same p pairs twice
    loop episode      repeat fraction > 0.5, or a cycle at the end

A state is the newest text that was shown before the act: the same act in a changed state ("next page") is no repeat. A
whole conversation never comes again, and a text with a counter neither, so counters are taken out first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from itertools import groupby

from turnwise.core.types import Episode

Step = tuple[Hashable, Hashable]

LOOPING = 0.5
"""Repeat fraction above which an episode loops."""

COUNTERS = re.compile(
    r"\b(?:turn|step|round|move|attempt)s?\s*#?\d+(?:\s*(?:of|/)\s*\d+)?|\b\d{1,2}:\d{2}(?::\d{2})?\b", re.I
)
"""Counted turns and times of day."""


def steady(text: str) -> str:
    """A text without counters, case and white space that differ."""
    return " ".join(COUNTERS.sub("", text).lower().split())


def steps_of(
    episode: Episode, leaf: int = 0, seat: str = "agent", key: Callable[[str], Hashable] = steady
) -> list[Step]:
    """(state, action) of every turn of a seat on a path.

    Args:
        key: from a text to what is compared.
    """
    turns = [episode.turns[i] for i in episode.path(leaf)]
    return [(key(t.seen[-1].text) if t.seen else "", key(t.message.text)) for t in turns if t.seat == seat]


def repeat_fraction(steps: Sequence[Step]) -> float:
    """0 where no pair comes again, 1 - 1/n for n identical ones; 0 without a step."""
    return 1.0 - len(set(steps)) / len(steps) if steps else 0.0


def longest_run(steps: Sequence[Step]) -> int:
    """Steps of the longest block of identical pairs."""
    return max((sum(1 for _ in block) for _, block in groupby(steps)), default=0)


def cycle(steps: Sequence[Step]) -> int | None:
    """The period of the cycle in which the steps end, None where they do not end in one."""
    n = len(steps)
    return next((p for p in range(1, n // 2 + 1) if list(steps[n - p :]) == list(steps[n - 2 * p : n - p])), None)


def loops(steps: Sequence[Step], most: float = LOOPING) -> bool:
    """Whether an episode with these steps is a loop."""
    return repeat_fraction(steps) > most or cycle(steps) is not None
