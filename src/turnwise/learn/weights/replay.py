"""A replay of turns: every turn of every round, drawn again and again by learners that need not be on-policy.

A record is (s, a, r, s', done) in ids: the state is what the policy had read when it began to speak, the action all
that it said until it stopped. Rows are stored once; a record says where in them it lies (specs/learn/archer).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode
from turnwise.credit.reward_to_go import reward_to_go
from turnwise.learn.credited import Path as TurnPath
from turnwise.learn.credited import credit_input, paths_of
from turnwise.learn.sequences import Row

PLACE = np.dtype(
    [
        ("row", np.int64),  # where the turn lies: state ids[:start], action ids[start:end]
        ("start", np.int64),
        ("end", np.int64),
        ("after_row", np.int64),  # where the next state lies: ids[:after]
        ("after", np.int64),  # 0: there is none, the episode is over
        ("reward", np.float64),
        ("later", np.float64),
    ]
)


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One turn."""

    state: np.ndarray  # int32 [S]: all that was read before it
    action: np.ndarray  # int32 [A]: the whole utterance
    reward: float  # earned until the agent's next turn, in the world's units
    after: np.ndarray | None  # int32 [S']: the next state; None where the episode is over
    later: float = math.nan  # discounted reward-to-go as it was played; nan where the episode was cut

    @property
    def done(self) -> bool:
        """Whether nothing comes after; a cut is no ending."""
        return self.after is None


class Replay:
    """The newest turns, first in first out.

    Args:
        most: turns that are kept.
        gamma: discount per turn of what an episode earned later.
    """

    def __init__(self, most: int, gamma: float = 1.0):
        if most < 1:
            raise TurnwiseError(f"a replay of {most} turns", "at least 1")
        self.most, self.gamma = most, gamma
        self.rows: list[np.ndarray] = []  # int32 [N] each
        self.places: np.ndarray = np.zeros(0, PLACE)

    def __len__(self) -> int:
        return len(self.places)

    def add(self, episodes: Sequence[Episode], rows: Sequence[Row]) -> int:
        """Append the turns of a batch, and forget the oldest beyond `most`; returns how many were added.

        Paths that broke are left out. A turn that several paths share is one record.
        """
        paths = paths_of(episodes, rows)
        x, of = credit_input(episodes, rows, paths)
        later = reward_to_go(x.rewards_T, x.starts_E1, self.gamma)
        told: set[tuple[int, int]] = set()
        found: list[tuple] = []
        number, first = 0, len(self.rows)
        for path, over in zip(paths, x.done_E.tolist(), strict=True):
            spans = [(r, span) for r in path.rows for span in rows[r].spans]
            follows = [*((r, span.start) for r, span in spans[1:]), (0, 0) if over else _tail(path, rows)]
            for (r, span), (after_row, after) in zip(spans, follows, strict=True):
                if of[number] not in told:
                    told.add(of[number])
                    earned = x.rewards_T[number], later[number] if over else math.nan
                    found.append((first + r, span.start, span.end, first + after_row, after, *earned))
                number += 1
        self.rows.extend(row.ids for row in rows)
        self.places = np.concatenate([self.places, np.array(found, PLACE)])[-self.most :]
        self._forget()
        return len(found)

    def draw(self, rng: np.random.Generator, count: int) -> list[TurnRecord]:
        """Records drawn uniformly with replacement.

        Raises:
            TurnwiseError: there are none.
        """
        if not len(self):
            raise TurnwiseError(
                "an empty replay", "at least one turn of the agent", "look at the endings: turnwise report RUN"
            )
        return [self[int(i)] for i in rng.integers(len(self), size=count)]

    def __getitem__(self, number: int) -> TurnRecord:
        place = self.places[number]
        ids = self.rows[place["row"]]
        after = self.rows[place["after_row"]][: place["after"]] if place["after"] else None
        state, action = ids[: place["start"]], ids[place["start"] : place["end"]]
        return TurnRecord(state, action, float(place["reward"]), after, float(place["later"]))

    def save(self, path: Path) -> None:
        """Rows laid one after the other, their lengths, and the places; same turns, same bytes."""
        columns = {f"place.{name}": np.ascontiguousarray(self.places[name]) for name in PLACE.names or ()}
        lengths = np.array([len(row) for row in self.rows], np.int64)
        save_file({"ids": np.concatenate([np.zeros(0, np.int32), *self.rows]), "lengths": lengths, **columns}, path)

    def load(self, path: Path) -> None:
        """What `save` wrote."""
        held = load_file(path)
        self.rows = np.split(held["ids"], np.cumsum(held["lengths"])[:-1]) if len(held["lengths"]) else []
        self.places = np.zeros(len(held["place.row"]), PLACE)
        for name in PLACE.names or ():
            self.places[name] = held[f"place.{name}"]

    def _forget(self) -> None:
        """Drop the rows that only forgotten turns lay in."""
        live = self.places["after"] > 0
        first = min([*self.places["row"], *self.places["after_row"][live], len(self.rows)])
        self.rows = self.rows[first:]
        self.places["row"] -= first
        self.places["after_row"][live] -= first
        self.places["after_row"][~live] = 0


def _tail(path: TurnPath, rows: Sequence[Row]) -> tuple[int, int]:
    """Where the state after a cut lies: row, and ids up to its end.

    Raises:
        TurnwiseError: the rows were made without it.
    """
    for r in path.rows:
        tail = rows[r].tail
        if tail is not None:
            return r, tail + 1
    raise TurnwiseError(
        "an episode that was cut, in rows without the state after it",
        "rows with a tail, so that a critic can say what would have followed",
        "pass the policy's chat to rows_of",
    )
