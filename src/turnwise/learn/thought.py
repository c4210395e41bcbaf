"""Thoughts without loss: what a reply says up to a mark, such as `</think>`, gets no credit, so that only the answer
behind it is trained (an option of specs/learn/webagent_r1; reasoning then learns nothing).

A token that lies across the end of the mark belongs to the thought. A reply without the mark keeps all its credit: it
has no answer, and should learn so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from turnwise.core.types import CreditTable, Episode


def answers_only(
    table: CreditTable, episodes: Sequence[Episode], mark: str, decode: Callable[[list[int]], str]
) -> CreditTable:
    """The credit, nan for tokens of a thought.

    Args:
        table: of the episodes, per turn or per token.
        mark: ends a thought.
        decode: ids to text.
    """
    values = []
    for credit_T, episode in zip(table.values, episodes, strict=True):
        laid = []
        for credit, turn in zip(credit_T, episode.turns, strict=True):
            if turn.tokens is None:
                laid.append(credit)
                continue
            reply = turn.tokens.reply
            of_token = np.array(np.broadcast_to(np.asarray(credit, np.float32), reply.shape))
            of_token[: thought_length(reply.tolist(), mark, decode)] = np.nan
            laid.append(of_token)
        values.append(laid)
    return replace(table, unit="token", values=values)


def thought_length(ids: list[int], mark: str, decode: Callable[[list[int]], str]) -> int:
    """Tokens up to the one that completes the first mark; 0 where there is none."""
    if mark not in decode(ids):
        return 0
    low, high = 1, len(ids)  # the shortest beginning that holds the mark, by bisection
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if mark in decode(ids[:middle]) else (middle + 1, high)
    return low
