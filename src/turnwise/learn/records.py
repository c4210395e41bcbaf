"""Universal records: what was read and written, token by token, with who wrote it, and a pool of them that prefers the
recent (specs/learn/ltc).

    source      OWN: the policy sampled it;  OTHER: another player wrote it in the same seat (a teacher, a guide, a
                person);  WORLD: all the rest, what other seats said included, as this one heard it
    target      y = tanh(G), G the return from that token on, undiscounted; all tokens of a turn share it
    pool        weight of the i-th of n records, i = 0..n-1:  recency ^ (n - i), drawn without replacement
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import CreditTable, Episode
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.learn.credited import credit_table, on_rows
from turnwise.learn.sequences import Row

OWN, WORLD, OTHER = 0, 1, 2

Rewards = Literal["outcome", "world"]
REWARDS = ("outcome", "world")

Draws = Literal["recency", "last"]
DRAWS = ("recency", "last")


@dataclass(frozen=True, slots=True)
class Record:
    """A training row as it is kept: N tokens."""

    ids: np.ndarray  # int32 [N]
    source: np.ndarray  # int8 [N]: OWN, WORLD or OTHER
    logprobs: np.ndarray  # float32 [N]: under the policy that played, where the source is OWN or OTHER, else 0
    values: np.ndarray  # float32 [N]: tanh of what its critic said before the token; 0 where WORLD
    targets: np.ndarray  # float32 [N]: y, 0 where WORLD

    def __len__(self) -> int:
        return len(self.ids)


def sources(row: Row, episode: Episode) -> np.ndarray:
    """Who wrote each token of a row: int8 [N]."""
    found = np.full(len(row), WORLD, np.int8)
    for span in row.spans:
        tokens = episode.turns[span.turn].tokens
        drawn = row.loss[span.start : span.end]
        found[span.start : span.end] = np.where(drawn, OTHER if tokens is None else OWN, WORLD)
    return found


def squashed(episodes: Sequence[Episode], rows: Sequence[Row], rewards: Rewards = "outcome") -> list[np.ndarray]:
    """y at the replies of every row, float32 [N], 0 elsewhere.

    Args:
        rewards: `outcome`: +1 for a success and -1 for a failure, on the last token, a budget that was spent before the
            end being one; `world`: what the world paid.

    Raises:
        TurnwiseError: an outcome is asked for that the world does not tell.
    """
    if rewards == "world":
        table = credit_table(RewardToGo(gamma=1.0), episodes, rows, None).values
    elif rewards == "outcome":
        if unscored := [e.id for e in episodes if e.success is None and e.ends[0].end.terminal]:
            raise TurnwiseError(
                f"{len(unscored)} episodes without an outcome (the first is {unscored[0]})",
                "a world that says whether an episode succeeded",
                "set rewards=world",
            )
        table = [[1.0 if e.success else -1.0] * len(e.turns) for e in episodes]
    else:
        raise UnknownName("kind of rewards", rewards, REWARDS)
    return [np.tanh(laid).astype(np.float32) for laid in on_rows(CreditTable("", "turn", table).values, rows)]


def recency_weights(count: int, recency: float) -> np.ndarray:
    """float64 [count], oldest first, not normalised: recency ^ (n - i)."""
    return recency ** np.arange(count, 0, -1, dtype=np.float64)


class RecordPool:
    """The records of all rounds, oldest first; one episode is drawn or not, with all its rows.

    Args:
        recency: weight of a record as against the next newer one; 1 draws uniformly.
        draws: `recency`, as intended; `last`: the newest ones, as the released code does.
        oldest: rounds after which a record is no longer drawn; 0: never.
    """

    def __init__(self, recency: float, draws: Draws = "recency", oldest: int = 0):
        if not 0.0 < recency <= 1.0:
            raise TurnwiseError(f"recency = {recency}", "a number above 0 and at most 1", "1 draws uniformly")
        if draws not in DRAWS:
            raise UnknownName("way to draw records", draws, DRAWS)
        self.recency, self.draws, self.oldest = recency, draws, oldest
        self.held: list[tuple[Record, ...]] = []
        self.rounds: list[int] = []  # of each

    def __len__(self) -> int:
        return len(self.held)

    def add(self, records: Sequence[tuple[Record, ...]], number: int) -> None:
        """Append the episodes of a round."""
        self.held.extend(records)
        self.rounds.extend([number] * len(records))

    def draw(self, rng: np.random.Generator, most: int) -> list[int]:
        """Numbers of `most` records, none twice, in the order in which they came; all where there are no more."""
        latest = max(self.rounds, default=0)
        there = [i for i, r in enumerate(self.rounds) if not self.oldest or latest - r <= self.oldest]
        if len(there) <= most:
            return there
        if self.draws == "last":
            return there[-most:]
        weights = recency_weights(len(there), self.recency)
        drawn = rng.choice(len(there), most, replace=False, p=weights / weights.sum())
        return [there[i] for i in sorted(drawn.tolist())]

    def save(self, path: Path) -> None:
        """Columns laid one after the other; same records, same bytes."""
        from safetensors.numpy import save_file

        rows = [record for records in self.held for record in records]
        columns = {
            f.name: np.concatenate([np.zeros(0, KINDS[f.name]), *(getattr(r, f.name) for r in rows)])
            for f in fields(Record)
        }
        lengths = np.array([len(row) for row in rows], np.int64)
        counts = np.array([len(records) for records in self.held], np.int64)
        save_file(columns | {"lengths": lengths, "counts": counts, "rounds": np.array(self.rounds, np.int64)}, path)

    def load(self, path: Path) -> None:
        """What `save` wrote."""
        from safetensors.numpy import load_file

        held = load_file(path)
        cuts = np.cumsum(held["lengths"])[:-1]
        columns = [np.split(held[f.name], cuts) for f in fields(Record)]
        rows = [Record(*parts) for parts in zip(*columns, strict=True)] if len(held["lengths"]) else []
        ends = np.cumsum(held["counts"]).tolist()
        self.held = [tuple(rows[end - n : end]) for end, n in zip(ends, held["counts"].tolist(), strict=True)]
        self.rounds = held["rounds"].tolist()


KINDS = {"ids": np.int32, "source": np.int8, "logprobs": np.float32, "values": np.float32, "targets": np.float32}
"""Types of a record's columns."""
