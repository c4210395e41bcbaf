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
    number_E = numbered(np.asarray(group_E))
    return number_E, np.bincount(number_E)[number_E]


def numbered(ids_N: np.ndarray) -> np.ndarray:
    """Ids renumbered from 0, in their order; int64 (N,). Ids that lie close are counted instead of sorted."""
    if not len(ids_N):
        return np.zeros(0, dtype=np.int64)
    lowest, span = ids_N.min(), int(ids_N.max()) - int(ids_N.min()) + 1
    if span > 8 * len(ids_N):
        return np.unique(ids_N, return_inverse=True)[1]
    seen = np.zeros(span, dtype=bool)
    seen[ids_N - lowest] = True
    return (np.cumsum(seen) - 1)[ids_N - lowest]


def above_lowest(returns_E: np.ndarray, number_E: np.ndarray) -> np.ndarray:
    """Returns counted from the lowest of the group, so that differences of equal ones are exact zeros, (E,)."""
    lowest = np.full(number_E.max(initial=-1) + 1, np.inf)
    np.minimum.at(lowest, number_E, returns_E)
    return returns_E - lowest[number_E]


def centred_in_group(returns_E: np.ndarray, number_E: np.ndarray, size_E: np.ndarray) -> np.ndarray:
    """R_i - mean of its group, (E,); equal returns give exact zeros."""
    above_E = above_lowest(returns_E, number_E)
    return above_E - np.bincount(number_E, weights=above_E)[number_E] / size_E


def z_in_group(returns_E: np.ndarray, number_E: np.ndarray, size_E: np.ndarray, ddof: int, eps: float) -> np.ndarray:
    """(R_i - mean of its group) / (std of its group + eps), (E,); equal returns and groups of one give zeros.

    Args:
        ddof: 1 sample std, 0 population std; at two members the two differ by 1.41.
    """
    centred_E = centred_in_group(returns_E, number_E, size_E)
    squares_E = np.bincount(number_E, weights=centred_E**2)[number_E]
    return centred_E / (np.sqrt(squares_E / np.maximum(size_E - ddof, 1)) + eps)


def check_z(ddof: int, eps: float) -> None:
    """Refuse settings of a z-score that mean nothing."""
    if ddof not in (0, 1) or eps <= 0:
        raise TurnwiseError(
            f"ddof = {ddof}, eps = {eps}",
            "ddof 0 or 1, eps above 0",
            "verl uses ddof 1, eps 1e-6",
        )
