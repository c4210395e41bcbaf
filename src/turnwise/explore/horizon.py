"""How many turns an episode may take, round by round: short first, to learn to finish; longer later, to learn to look
around and go back (TTI: specs/learn/tti, specs/plan/tti-budget).

A schedule is a function of the round alone, so a run that goes on needs nothing kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from turnwise.core.errors import TurnwiseError, UnknownName


def fixed(number: int, least: int, most: int) -> int:
    """h = most, from the first round on."""
    return most


def short(number: int, least: int, most: int) -> int:
    """h = least, to the last round."""
    return least


def multiplicative(number: int, least: int, most: int) -> int:
    """h = min(least * (i + 1), most) in round i = 0, 1, ...: the paper's schedule."""
    return min(least * (number + 1), most)


def additive(number: int, least: int, most: int) -> int:
    """h = min(least + i, most) in round i: one turn more each round."""
    return min(least + number, most)


def stepped(number: int, least: int, most: int) -> int:
    """least, 2 least, 2 least, 3 least, 3 least, ... up to most: the released script's 10, 20, 20, 30, 30."""
    return min(least * ((number + 1) // 2 + 1), most)


SCHEDULES: dict[str, Callable[[int, int, int], int]] = {
    "fixed": fixed,
    "short": short,
    "multiplicative": multiplicative,
    "additive": additive,
    "stepped": stepped,
}


@dataclass(frozen=True)
class Horizon:
    """A schedule with its ends.

    Args:
        schedule: fixed, short, multiplicative, additive or stepped.
        least, most: turns of the agent in the first rounds, and at last.
    """

    schedule: str = "stepped"
    least: int = 10
    most: int = 30

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise UnknownName("schedule", self.schedule, SCHEDULES)
        if not 1 <= self.least <= self.most:
            raise TurnwiseError(
                f"a horizon from {self.least} to {self.most} turns", "at least 1 turn, and no fewer later than first"
            )

    def at(self, number: int) -> int:
        """Turns of the agent in an episode of round `number`, counted from 0."""
        return SCHEDULES[self.schedule](number, self.least, self.most)

    def episodes(self, number: int, steps: int) -> int:
        """How many episodes of that round fit `steps` turns of the agent; one at least.

        With them, schedules are compared at equal calls to the world.
        """
        return max(1, steps // self.at(number))

    def all(self, rounds: int) -> Sequence[int]:
        """Of so many rounds."""
        return [self.at(number) for number in range(rounds)]
