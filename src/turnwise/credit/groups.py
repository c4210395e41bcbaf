"""Statistics of returns inside groups of repeats. The unit is the episode: a long one counts no more."""

from __future__ import annotations

import numpy as np

from turnwise.core.errors import TurnwiseError


def group_numbers(group_E: np.ndarray, returns_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each episode's group, renumbered from 0, and the size of its group; both int64 (E,)."""
    if np.shape(group_E) != np.shape(returns_E):
        raise TurnwiseError(
            f"{np.size(group_E)} group ids for {np.size(returns_E)} returns",
            "one group id per episode",
            "pass group_E of the same batch",
        )
    _, number_E, sizes = np.unique(group_E, return_inverse=True, return_counts=True)
    return number_E, sizes[number_E]


def centred_in_group(returns_E: np.ndarray, number_E: np.ndarray, size_E: np.ndarray) -> np.ndarray:
    """R_i - mean of its group, (E,).

    Returns are first counted from the group's lowest, so that equal returns give exact zeros.
    """
    lowest = np.full(number_E.max(initial=-1) + 1, np.inf)
    np.minimum.at(lowest, number_E, returns_E)
    above_E = returns_E - lowest[number_E]
    return above_E - np.bincount(number_E, weights=above_E)[number_E] / size_E
