"""What makes a preference: two sides of the record, one better than the other (specs/learn/multi_turn_dpo_kto).

A side is some turns of one path. Sides come from what somebody preferred (`Signal.better_than`) or from the returns of
paths on the same task, which share the opening and the hidden facts:

    draw pairs (w, l) of one task with return(w) > return(l), each as likely, at most so many per task

With returns of 0 and 1 that is a random winner beside a random loser. A task on which all ended alike gives no pair,
and a path that broke (End.ERROR) is on no side: its return says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, End, Episode, Seat, Signal


@dataclass(frozen=True, slots=True)
class Side:
    """Some turns of one path: the turns whose log-probability is counted."""

    episode: int  # index in the batch
    leaf: int  # path
    turns: tuple[int, ...]  # indices in Episode.turns, in order
    part: tuple[int, int] | None = None  # of one turn: only the tokens [start, end) of its reply; None: all of them


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides, the better one first."""

    better: Side
    worse: Side
    luck: float = 0.0  # of the better one beyond that of the worse, in units of the return; 0 where nobody knows

    @property
    def sides(self) -> tuple[Side, ...]:
        """Better, then worse."""
        return self.better, self.worse


@dataclass(frozen=True, slots=True)
class Verdict:
    """One side, and whether more or less of it is wanted."""

    side: Side
    good: bool

    @property
    def sides(self) -> tuple[Side, ...]:
        """The one."""
        return (self.side,)


Example = Pair | Verdict


def pairs_of(batch: Batch, rng: np.random.Generator, per_task: int = 1) -> list[Pair]:
    """What was preferred, where anything was; else what earned more."""
    preferred = pairs_by_signal(batch.episodes, batch.signals)
    return preferred or pairs_by_return(batch.episodes, rng, per_task)


def verdicts_of(batch: Batch, rng: np.random.Generator, per_task: int = 1) -> list[Verdict]:
    """The better side of every pair is good, the worse is not."""
    pairs = pairs_of(batch, rng, per_task)
    return [Verdict(side, side is pair.better) for pair in pairs for side in pair.sides]


def pairs_by_signal(episodes: Sequence[Episode], signals: Sequence[Signal]) -> list[Pair]:
    """One pair per preference between two episodes of the batch; one about an episode that is not in it says nothing
    here.

    Raises:
        TurnwiseError: an episode was preferred to itself.
    """
    number = {episode.id: n for n, episode in enumerate(episodes)}
    pairs = []
    for signal in signals:
        if signal.better_than is None or not {signal.episode, signal.better_than} <= number.keys():
            continue
        if signal.episode == signal.better_than:
            raise TurnwiseError(
                f"episode {signal.episode!r} was preferred to itself by {signal.source or 'a judge'}",
                "two different episodes",
                "let the judge name both sides",
            )
        better, worse = number[signal.episode], number[signal.better_than]
        sides = whole(episodes, better, signal.leaf, signal.seat), whole(episodes, worse, 0, signal.seat)
        if not any(episodes[side.episode].ends[side.leaf].end is End.ERROR for side in sides):
            pairs.append(Pair(*sides))
    return pairs


def pairs_by_return(episodes: Sequence[Episode], rng: np.random.Generator, per_task: int = 1) -> list[Pair]:
    """At most `per_task` pairs of each task, drawn without replacement from those whose returns differ.

    Args:
        episodes: several paths per task: members of a group, or leaves of a tree.
        rng: draws them.
        per_task: the paper draws 1.
    """
    pairs = []
    for sides in by_task(episodes).values():
        returns = np.array([episodes[side.episode].total(leaf=side.leaf) for side in sides])
        better, worse = np.nonzero(returns[:, None] > returns[None, :])
        drawn = rng.permutation(len(better))[:per_task]
        pairs += [Pair(sides[better[k]], sides[worse[k]]) for k in drawn]
    return pairs


def by_task(episodes: Sequence[Episode]) -> Mapping[str, list[Side]]:
    """All whole paths that did not break and in which the agent spoke, by task, in the order of the record."""
    found: dict[str, list[Side]] = {}
    for side in paths(episodes):
        found.setdefault(episodes[side.episode].task.key, []).append(side)
    return found


def paths(episodes: Sequence[Episode]) -> Iterator[Side]:
    """Every whole path that did not break and in which the agent spoke."""
    for number, episode in enumerate(episodes):
        for leaf, end in enumerate(episode.ends):
            side = whole(episodes, number, leaf)
            if end.end is not End.ERROR and side.turns:
                yield side


def whole(episodes: Sequence[Episode], number: int, leaf: int = 0, seat: Seat = "agent") -> Side:
    """All turns of a seat along one path."""
    episode = episodes[number]
    return Side(number, leaf, tuple(i for i in episode.path(leaf) if episode.turns[i].seat == seat))
