"""The action tokens of a batch, numbered along each path and across its rows: what they earned and what comes after
(specs/learn/mc_returns, specs/learn/ilql).

A path that forgets lies in several rows; its action tokens are numbered on from one row to the next, so that a row is a
segment of the path and the next row is what it is linked to. What the world and the other seats wrote gets no number
and costs no discount. A turn's reward stands on the last action token of its reply.

What comes after a token is the next token, or the next turn: with `backup="turn"` what followed a token in its own
reply is taken as it was said, so that a value travels a whole turn back at a time, not a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import UnknownName
from turnwise.core.types import Episode
from turnwise.credit.ragged import scan_back
from turnwise.learn.credited import Path, credit_input, paths_of
from turnwise.learn.sequences import Row

NOWHERE = -1
"""`Numbered.next_row` of a last action token of a path that is over: what follows is worth 0."""

BACKUPS = ("token", "turn")
"""What is meant by the state after a token: before the path's next action token, or before its next turn's first."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The tokens of one row that carry loss, n of them; one is chosen in the state at the position before it."""

    rewards: np.ndarray  # float64 [n]: earned up to the state after the token, discounted, in the world's units
    returns: np.ndarray  # float64 [n]: G_i = sum_{j >= i} gamma^(j - i) r_j, over action tokens alone
    discounts: np.ndarray  # float64 [n]: of the value of the state after the token
    next_row: np.ndarray  # int64 [n]: row in which the state after the token is read; NOWHERE where the path is over
    next_at: np.ndarray  # int64 [n]: position there


def numbered(episodes: Sequence[Episode], rows: Sequence[Row], gamma: float, backup: str = "token") -> list[Numbered]:
    """The action tokens of every row, in its order; none in rows that carry no loss.

    The state after a token is the position before the path's next action token, or before its next turn's first one.
    Behind the last one it is nothing where the world was over; after a cut it is the end of what was shown then, or
    the token itself where nothing was.

    Args:
        gamma: discount per action token. Returns count what a cut path earned, nothing beyond.
        backup: one of `BACKUPS`.

    Raises:
        UnknownName: no such backup.
    """
    if backup not in BACKUPS:
        raise UnknownName("backup", backup, BACKUPS)
    none, nowhere = np.zeros(0), np.zeros(0, np.int64)
    found = [Numbered(none, none, none, nowhere, nowhere)] * len(rows)
    for path in paths_of(episodes, rows):
        _number(path, episodes, rows, gamma, backup, found)
    return found


def _number(
    path: Path, episodes: Sequence[Episode], rows: Sequence[Row], gamma: float, backup: str, found: list[Numbered]
) -> None:
    """Fill in the rows of one path."""
    x, _ = credit_input(episodes, rows, [path])
    spans = [(r, span) for r in path.rows for span in rows[r].spans]
    starts, mask = x.given("token_starts_T1"), x.given("token_mask_N")
    row = np.repeat([r for r, _ in spans], np.diff(starts))[mask]
    at = np.concatenate([np.zeros(0, np.int64), *(np.arange(s.start, s.end) for _, s in spans)])[mask]
    if not len(at):
        return
    last_of_turn = np.cumsum(mask)[starts[1:] - 1] - 1  # number of the last action token up to the end of each turn
    rewards = np.zeros(len(at))
    credited = last_of_turn >= 0  # what came before the first action token was earned by none
    np.add.at(rewards, last_of_turn[credited], x.rewards_T[credited])
    returns = scan_back(rewards, np.array([0, len(at)]), gamma)
    end_row, end_at = _state_after(path, rows, bool(x.done_E[0]), int(row[-1]), int(at[-1]))
    next_row, next_at = np.append(row[1:], end_row), np.append(at[1:] - 1, end_at)
    number = np.arange(len(at))
    until = number if backup == "token" else last_of_turn[np.searchsorted(last_of_turn, number)]
    ahead = until - number
    earned, discounts = gamma**ahead * rewards[until], gamma ** (ahead + 1)
    next_row, next_at = next_row[until], next_at[until]
    for r in path.rows:
        mine = np.flatnonzero(row == r)
        mine = mine[rows[r].loss[at[mine]]]
        found[r] = Numbered(earned[mine], returns[mine], discounts[mine], next_row[mine], next_at[mine])


def _state_after(path: Path, rows: Sequence[Row], done: bool, row: int, at: int) -> tuple[int, int]:
    """Where the state after the last action token of a path is read."""
    if done:
        return NOWHERE, 0
    tail = rows[path.rows[-1]].tail
    return (row, at) if tail is None else (path.rows[-1], tail)
