"""A replay of choices: state, what was said, what it earned, and what could be said next (specs/learn/rlap)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode
from turnwise.learn.credited import credit_input, paths_of
from turnwise.learn.sequences import Row

OptionsOf = Callable[[np.ndarray], Sequence[np.ndarray]]
"""int32 ids of a state -> int32 ids of every text that is legal there."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One turn of a chooser."""

    state: np.ndarray  # int32 [S]
    said: np.ndarray  # int32 [A]
    reward: float  # earned until the next choice
    after: np.ndarray | None  # int32 [S']: the next state; None where nothing follows
    options: tuple[np.ndarray, ...] = ()  # int32 ids of what could be said there


class ChoiceReplay:
    """The newest choices, first in first out.

    Args:
        most: choices that are kept.
        options: what could be said where.
    """

    def __init__(self, most: int, options: OptionsOf):
        if most < 1:
            raise TurnwiseError(f"a replay of {most} choices", "at least 1")
        self.most, self.options = most, options
        self.held: list[Choice] = []

    def __len__(self) -> int:
        return len(self.held)

    def add(self, episodes: Sequence[Episode], rows: Sequence[Row]) -> int:
        """Append the turns of a batch; returns how many. A path that was cut ends where its last choice was: nobody
        chose after it, so it leaves that choice out.
        """
        paths = paths_of(episodes, rows)
        x, _ = credit_input(episodes, rows, paths)
        number, found = 0, list[Choice]()
        for path, over in zip(paths, x.done_E.tolist(), strict=True):
            spans = [(rows[r].ids, span) for r in path.rows for span in rows[r].spans]
            for at, (ids, span) in enumerate(spans):
                state, said, reward = ids[: span.start], ids[span.start : span.end], float(x.rewards_T[number])
                number += 1
                if at + 1 < len(spans):
                    ids, after = spans[at + 1]
                    then = ids[: after.start]
                    found.append(Choice(state, said, reward, then, tuple(self.options(then))))
                elif over:
                    found.append(Choice(state, said, reward, None))
        self.held = (self.held + found)[-self.most :]
        return len(found)

    def draw(self, rng: np.random.Generator, count: int) -> list[Choice]:
        """Drawn uniformly with replacement.

        Raises:
            TurnwiseError: there are none.
        """
        if not self.held:
            raise TurnwiseError("an empty replay of choices", "episodes that came to their end")
        return [self.held[int(i)] for i in rng.integers(len(self.held), size=count)]

    def save(self, path: Path) -> None:
        """Pieces laid one after the other, their lengths, and how many each choice has; same choices, same bytes."""
        pieces, counts = list[np.ndarray](), list[int]()
        for choice in self.held:
            after = [] if choice.after is None else [choice.after, *choice.options]
            pieces += [choice.state, choice.said, *after]
            counts.append(2 + len(after))
        with path.open("wb") as file:
            np.save(file, np.concatenate([np.zeros(0, np.int32), *pieces]).astype(np.int32))
            np.save(file, np.array([len(piece) for piece in pieces], np.int64))
            np.save(file, np.array(counts, np.int64))
            np.save(file, np.array([choice.reward for choice in self.held], np.float64))

    def load(self, path: Path) -> None:
        """What `save` wrote."""
        with path.open("rb") as file:
            ids, lengths, counts, rewards = (np.load(file) for _ in range(4))
        pieces: list[NDArray] = np.split(ids, np.cumsum(lengths)[:-1]) if len(lengths) else []
        firsts = np.cumsum(counts) - counts
        self.held = []
        for first, count, reward in zip(firsts.tolist(), counts.tolist(), rewards.tolist(), strict=True):
            state, said, *rest = pieces[first : first + count]
            self.held.append(Choice(state, said, reward, rest[0] if rest else None, tuple(rest[1:])))
