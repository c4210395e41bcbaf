"""RAPO's steerable reward: useful looking pays where the answer is wrong, needless looking costs where it is right
(specs/learn/rapo, stage 2).

    search    unique, or redundant where the same was searched before
    query     exploration, or redundant where the same was read before
    check     verification of a claim, at most B_v of one claim, then redundant

    correct   .1 * well formed  +  max(1 - redundant / calls, .5)
    wrong     .1 * well formed  +  c_1 * min(1, dS / C_S)  +  c_2 * min(1, dQ / C_Q)

dS is unique searches less redundant ones, dQ the same of queries and checks; both can be negative, and so can the
reward of a wrong answer. With c_1 + c_2 above .4 busy failure would earn more than the worst right answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Episode, Signal

NAME = "steerable"


Call = tuple[str, str]
"""One use of a tool that was answered: search, query or check, and what about; equal ones ask the same."""


@dataclass(frozen=True)
class Counts:
    """What the calls of a path were good for."""

    unique: int = 0  # searches for something new
    searched_again: int = 0
    useful: int = 0  # queries of something new, and checks within the budget
    read_again: int = 0

    @property
    def redundant(self) -> int:
        """Calls that could have been left out."""
        return self.searched_again + self.read_again

    @property
    def calls(self) -> int:
        """All of them."""
        return self.unique + self.useful + self.redundant


@dataclass(frozen=True)
class Prices:
    """The constants; all defaults are RAPO's."""

    form: float = 0.1
    searching: float = 0.2  # c_1
    reading: float = 0.2  # c_2
    searches: float = 8.0  # C_S: net searches that earn all of c_1
    reads: float = 16.0  # C_Q
    least: float = 0.5  # of a right answer, however many calls were redundant
    floor: float | None = None  # of a wrong answer; None: it may fall below 0

    def __post_init__(self) -> None:
        if self.searching + self.reading > 0.4 + 1e-9:
            raise TurnwiseError(
                f"searching = {self.searching} and reading = {self.reading}",
                "at most 0.4 together: more pays busy failure better than the worst right answer",
                "lower one of them",
            )


def counts_of(calls: Iterable[Call], checks: int = 1) -> Counts:
    """What each call was good for; a claim may be checked so often before it is redundant (B_v)."""
    times: Counter[Call] = Counter()
    found: Counter[str] = Counter()
    for call in calls:
        kind, _ = call
        new = times[call] < (checks if kind == "check" else 1)
        times[call] += 1
        if kind == "search":
            found["unique" if new else "searched_again"] += 1
        else:
            found["useful" if new else "read_again"] += 1
    return Counts(**found)


def steerable(correct: bool, well_formed: bool, counts: Counts, prices: Prices | None = None) -> float:
    """The reward of a path; see the module's formulas. Source: arXiv 2509.24107, specs/learn/rapo."""
    p = prices or Prices()
    form = p.form * well_formed
    if correct:
        return form + max(1.0 - counts.redundant / max(counts.calls, 1), p.least)
    searching = p.searching * min(1.0, (counts.unique - counts.searched_again) / p.searches)
    reading = p.reading * min(1.0, (counts.useful - counts.read_again) / p.reads)
    reward = form + searching + reading
    return reward if p.floor is None else max(reward, p.floor)


class Called(Protocol):
    """The part of a world that is asked."""

    def calls(self, episode: Episode, leaf: int = 0) -> tuple[Sequence[Call], bool]:
        """The calls of a path that were answered, and whether every act was one that can be done."""
        ...


@dataclass(frozen=True)
class Steerable:
    """Feedback: the signal `steerable` of every path that was scored.

    Args:
        world: tells the calls.
        prices: of form, searching and reading.
        checks: of one claim before they are redundant.
    """

    world: Called
    prices: Prices = Prices()
    checks: int = 1
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per path."""
        return [
            Signal(episode.id, NAME, None, leaf, value=self.worth(episode, leaf), source="labels of calls")
            for episode in episodes
            for leaf, end in enumerate(episode.ends)
            if end.end is not End.ERROR
        ]

    def worth(self, episode: Episode, leaf: int) -> float:
        """The reward of one path."""
        calls, well_formed = self.world.calls(episode, leaf)
        return steerable(bool(episode.succeeded(leaf)), well_formed, counts_of(calls, self.checks), self.prices)
