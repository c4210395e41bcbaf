"""True expected returns of any policy in a world that is small enough, one that writes other texts included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import End, Episode, Message

Law = Callable[[Sequence[tuple[Message, ...]]], np.ndarray]
"""A policy as a function: from what the agent may have in view, N conversations, to float64 [N, A], the probability of
each legal act. What a row lacks to 1 goes to all other texts together, which the world answers as wrong moves."""


@dataclass(frozen=True, eq=False)
class Exact:
    """Expected returns, undiscounted, in every situation that an episode can come to.

    S situations; A + 1 acts: the legal ones, and any other text.
    """

    acts: tuple[str, ...]  # A legal texts
    read: Callable[[str], int]  # the number of the act that the world reads a text as, A where it is none
    number: Mapping[tuple[int, str], int]  # (tick, newest text in view) -> the situation
    v: np.ndarray  # float64 [S]
    q: np.ndarray  # float64 [S, A + 1]
    policy: np.ndarray  # float64 [S, A + 1]: whose values they are
    start: np.ndarray  # float64 [S]: where an episode of a uniformly drawn task begins

    @property
    def mean(self) -> float:
        """Expected return of an episode of a uniformly drawn task."""
        return float(self.start @ self.v)

    def places(self, episode: Episode, leaf: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Situation and act of every turn of a path, int64 [turns] each: where to look in `v` and `q`.

        Raises:
            TurnwiseError: the episode is not of this world in these settings.
        """
        turns = [episode.turns[i] for i in episode.path(leaf)]
        for turn in turns:
            if turn.seat != "agent" or (turn.tick, turn.seen[-1].text) not in self.number:
                what = f"a turn of {turn.seat!r} at tick {turn.tick} that saw {turn.seen[-1].text!r}"
                raise TurnwiseError(what, "turns of this world, in these settings")
        situations = [self.number[turn.tick, turn.seen[-1].text] for turn in turns]
        return np.array(situations, np.int64), np.array([self.read(turn.message.text) for turn in turns], np.int64)

    def advantages(self, episode: Episode, leaf: int = 0) -> np.ndarray:
        """float64 [turns]: q - v of what was done at every turn of a path."""
        situations, acts = self.places(episode, leaf)
        return self.q[situations, acts] - self.v[situations]

    def luck(self, episode: Episode, leaf: int = 0) -> np.ndarray:
        """float64 [turns]: what each answer of the world brought beyond what was to be expected of the act, r + v - q.

        Raises:
            TurnwiseError: a path that broke: nobody knows what would have followed.
        """
        end = episode.ends[leaf]
        if end.end is End.ERROR:
            raise TurnwiseError(f"path {leaf} of {episode.id!r} broke", "a path that ended, or was cut")
        situations, acts = self.places(episode, leaf)
        path = episode.path(leaf)
        after = np.append(self.v[situations[1:]], 0.0)
        if path and not end.end.terminal:
            after[-1] = self.v[self.number[episode.turns[path[-1]].tick + 1, end.seen["agent"][-1].text]]
        earned = np.array([episode.turns[i].rewards.get("agent", 0.0) for i in path])
        return earned + after[: len(path)] - self.q[situations, acts]


def asked(law: Law, views: Sequence[tuple[Message, ...]], acts: int) -> np.ndarray:
    """float64 [N, A + 1]: a law's answer about some views, with what goes to other texts in the last column.

    Raises:
        TurnwiseError: the answer is no table of probabilities.
    """
    rows = np.asarray(law(views), dtype=np.float64)
    if rows.shape != (len(views), acts):
        raise TurnwiseError(f"a law that answers with shape {rows.shape}", f"{(len(views), acts)}: views, legal acts")
    if not (rows >= 0.0).all() or not (rows.sum(1) <= 1.0 + 1e-6).all():
        raise TurnwiseError("a law with a row that is negative or sums to more than 1", "probabilities")
    return np.column_stack([rows, np.clip(1.0 - rows.sum(1), 0.0, None)])
