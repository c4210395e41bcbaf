"""Flat arrays cut into ragged pieces by offsets, so that thousands of episodes are handled by one call.

Notation: `x_N` holds all pieces one after the other; `starts` has one entry more than there are pieces, and
piece i is `x_N[starts[i]:starts[i + 1]]`. A piece may be empty. Axis letters: E episodes, T agent turns, N
tokens.
"""

from __future__ import annotations

import numpy as np

from turnwise.core.errors import TurnwiseError


def check_starts(starts: np.ndarray, total: int, name: str) -> np.ndarray:
    """The offsets as int64, or an error that says which of their three rules is broken.

    Args:
        starts: offsets; the first is 0, they never fall, the last is `total`.
        total: length of the flat array that they cut.
        name: how the array is called in the error.
    """
    array = np.asarray(starts)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu":
        raise TurnwiseError(
            f"{name} has shape {array.shape} and type {array.dtype}",
            "a one-dimensional array of integers: one offset per piece and the end",
            "for pieces of lengths L: np.concatenate([[0], np.cumsum(L)])",
        )
    array = array.astype(np.int64)
    if array[0] != 0 or array[-1] != total or np.any(np.diff(array) < 0):
        raise TurnwiseError(
            f"{name} goes from {array[0]} to {array[-1]} over an array of length {total}"
            + (" and falls on the way" if np.any(np.diff(array) < 0) else ""),
            f"offsets that start at 0, never fall and end at {total}",
            "build them from the lengths of the pieces: np.concatenate([[0], np.cumsum(lengths)])",
        )
    return array


def piece_of(starts: np.ndarray) -> np.ndarray:
    """Which piece each element belongs to: int64, as long as the flat array."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def piece_sums(x_N: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum of each piece; an empty piece sums to 0."""
    sums = np.bincount(piece_of(starts), weights=x_N, minlength=len(starts) - 1)
    return sums.astype(np.float64, copy=False)  # integers where there is nothing to add


def spread(per_piece: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """One number per piece, copied to every element of it."""
    return np.repeat(per_piece, np.diff(starts))


def next_in_piece(x_N: np.ndarray, starts: np.ndarray, after_last: np.ndarray) -> np.ndarray:
    """The following element of the same piece; after the last one, the piece's entry of `after_last`."""
    following = np.empty(len(x_N), dtype=np.float64)
    following[:-1] = x_N[1:]
    filled = np.diff(starts) > 0
    following[starts[1:][filled] - 1] = after_last[filled]
    return following


def previous_in_piece(x_N: np.ndarray, starts: np.ndarray, before_first: np.ndarray) -> np.ndarray:
    """The preceding element of the same piece; before the first one, the piece's entry of `before_first`."""
    preceding = np.empty(len(x_N), dtype=np.float64)
    preceding[1:] = x_N[:-1]
    filled = np.diff(starts) > 0
    preceding[starts[:-1][filled]] = before_first[filled]
    return preceding


def scan_back(x_N: np.ndarray, starts: np.ndarray, factor: float) -> np.ndarray:
    """Solve y[j] = x[j] + factor * y[j + 1] inside every piece, with y = 0 after its end.

    All pieces advance together, one step from their ends at a time: as many array operations as the longest
    piece has elements, and work proportional to the number of elements.
    """
    lengths = np.diff(starts)
    longest_first = np.argsort(-lengths, kind="stable")
    last = starts[1:][longest_first] - 1
    falling = -lengths[longest_first]
    solved = np.empty(len(x_N), dtype=np.float64)
    carried = np.zeros(len(lengths))
    for step in range(int(lengths.max(initial=0))):
        alive = np.searchsorted(falling, -step)  # pieces longer than `step` stand first
        here = last[:alive] - step
        carried = x_N[here] + factor * carried[:alive]
        solved[here] = carried
    return solved
