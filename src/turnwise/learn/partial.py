"""Partial masking: turns that were judged wrong stay in the context and carry no loss (specs/learn/partial_masking).

    weight of a token:  0 prompt, 0 observation, 0 in a turn judged wrong, 1 in any other turn of the agent

So what follows a wrong turn is learned with the mistake in view, and the mistake is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, Signal
from turnwise.learn.sequences import Row

NOISE = 1e-6
"""A judgement so little below 0 is the rounding of one that is 0."""


def without_wrong(rows: Sequence[Row], batch: Batch, name: str) -> list[Row]:
    """The same rows without loss on turns whose signal `name` is below 0.

    Args:
        rows: of the batch's episodes.
        batch: with its signals; a turn that nobody judged, or without a number, counts as right.
        name: of the signal.

    Raises:
        TurnwiseError: nobody judged any turn by that name.
    """
    judged = [s for s in batch.signals if s.name == name and s.turn is not None and s.value is not None]
    if not judged:
        raise TurnwiseError(
            f"no turn of {len(batch.episodes)} episodes has the signal {name!r}",
            "a judge that scores turns, below 0 where they are wrong",
            "add feedback that gives it, or imitate all turns",
        )
    wrong = wrong_turns(judged)
    return [masked(row, wrong.get(batch.episodes[row.episode].id, frozenset())) for row in rows]


def wrong_turns(judged: Sequence[Signal]) -> dict[str, frozenset[int]]:
    """Episode id -> its turns that were judged below 0."""
    found: dict[str, set[int]] = {}
    for signal in judged:
        if signal.turn is not None and signal.value is not None and signal.value < -NOISE:
            found.setdefault(signal.episode, set()).add(signal.turn)
    return {episode: frozenset(turns) for episode, turns in found.items()}


def masked(row: Row, wrong: frozenset[int]) -> Row:
    """The row when some turns carry no loss."""
    spans = [span for span in row.spans if span.turn in wrong]
    if not spans:
        return row
    loss = row.loss.copy()
    for span in spans:
        loss[span.start : span.end] = False
    return replace(row, loss=np.asarray(loss))
