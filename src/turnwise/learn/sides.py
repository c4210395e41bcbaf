"""From sides of preferences to training rows: exact ids, and loss on the turns of the side alone.

What the world said, and turns that are context only, stay in the row and carry no loss. Two sides may share turns (a
trunk with two branches): each side counts them, unlike the rows of an episode, where a turn is trained once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from turnwise.core.types import ROOT, Episode
from turnwise.learn.pairs import Side
from turnwise.learn.sequences import Renderer, Row, rows_of


def side_rows(
    episodes: Sequence[Episode], sides: Sequence[Side], chat: Renderer | None = None, seat: str = "agent"
) -> list[list[Row]]:
    """The rows of each side; one that is read with a context of its own has a row of its own.

    Args:
        episodes: the record that the sides point into.
        sides: any number, repeated ones too.
        chat: renders turns that hold no tokens.
        seat: whose turns are trained.

    Returns:
        Per side its rows that carry loss, cut after the last token that does; `Row.episode` is the number of the side,
        and `Span.turn` counts along its path.
    """
    found: list[list[Row]] = [[] for _ in sides]
    held = [episodes[side.episode].path(side.leaf) for side in sides]
    for row in rows_of([along(episodes[side.episode], side.leaf) for side in sides], chat, seat):
        wanted = set(sides[row.episode].turns)
        spans = tuple(span for span in row.spans if held[row.episode][span.turn] in wanted)
        loss = np.zeros(len(row), bool)
        part = sides[row.episode].part
        for span in spans:
            start, end = (span.start, span.end) if part is None else (span.start + part[0], span.start + part[1])
            loss[start:end] = row.loss[start:end]
        if loss.any():
            end = int(np.flatnonzero(loss)[-1]) + 1
            ids, logprobs = row.ids[:end], row.logprobs[:end]
            found[row.episode].append(replace(row, ids=ids, loss=loss[:end], logprobs=logprobs, spans=spans, tail=None))
    return found


def unmasked_rows(
    episodes: Sequence[Episode], sides: Sequence[Side], chat: Renderer | None = None, seat: str = "agent"
) -> list[list[Row]]:
    """The same rows when everything counts that follows the opening, what the world said included: the mistake that
    multi-turn DPO warns of (specs/learn/multi_turn_dpo_kto), to be measured.
    """
    found = side_rows(episodes, sides, chat, seat)
    return [[everything(row, first=n == 0) for n, row in enumerate(rows)] for rows in found]


def everything(row: Row, first: bool) -> Row:
    """A row with loss on all but its first token, or all that follows the opening where it is the first of its side."""
    begin = int(np.flatnonzero(row.loss)[0]) if first else 1
    return replace(row, loss=np.arange(len(row)) >= begin)


def along(episode: Episode, leaf: int) -> Episode:
    """One path of a tree as an episode of its own."""
    path = episode.path(leaf)
    turns = tuple(replace(episode.turns[i], parent=n - 1 if n else ROOT) for n, i in enumerate(path))
    end = replace(episode.ends[leaf], turn=len(turns) - 1 if turns else ROOT)
    return replace(episode, turns=turns, ends=(end,))
