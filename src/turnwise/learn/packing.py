"""Which rows go through the model together: full batches of real tokens, no padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turnwise.core.errors import TurnwiseError


def pack(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Split rows into lots of at most `most` tokens, rows of like length together.

    Args:
        lengths: tokens of each row.
        most: token budget of one forward pass.

    Returns:
        Lists of row indices; every row stands in exactly one. First-fit decreasing, so lots are full but for the last
        few.

    Raises:
        TurnwiseError: a row is longer than the budget.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    lots: list[list[int]] = []
    room: list[int] = []
    for index in order.tolist():
        need = int(lengths[index])
        if need > most:
            raise TurnwiseError(
                f"a training row has {need} tokens",
                f"at most {most} in one forward pass",
                "raise the setting `batch_tokens`",
            )
        place = next((k for k, left in enumerate(room) if left >= need), None)
        if place is None:
            lots.append([])
            room.append(most)
            place = len(lots) - 1
        lots[place].append(index)
        room[place] -= need
    return lots


def minibatches(groups: Sequence[int], count: int, rng: np.random.Generator) -> list[list[int]]:
    """Split rows into `count` minibatches by a random order of their episodes, so that an episode's rows stay together.

    Args:
        groups: the episode of each row.
        count: how many minibatches; fewer come back if there are fewer episodes.
        rng: draws the order.
    """
    names = np.unique(np.asarray(groups))
    shuffled = rng.permutation(names)
    lots = [set(part.tolist()) for part in np.array_split(shuffled, min(count, len(shuffled)))]
    return [[i for i, g in enumerate(groups) if g in lot] for lot in lots]


def parts_of_size(groups: Sequence[int], size: int, rng: np.random.Generator) -> list[list[int]]:
    """Split rows into minibatches of `size` episodes, in a random order; the last one may hold fewer.

    Args:
        groups: the episode of each row.
        size: episodes of a full minibatch.
        rng: draws the order.
    """
    shuffled = rng.permutation(np.unique(np.asarray(groups, np.int64)))
    lots = [set(shuffled[at : at + size].tolist()) for at in range(0, len(shuffled), size)]
    return [[i for i, g in enumerate(groups) if g in lot] for lot in lots]
