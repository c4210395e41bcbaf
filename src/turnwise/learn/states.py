"""When two turns were taken from the same state: the seat had the very same messages in view.

What a policy can know is its view, so turns with equal views are draws from one and the same law, and what followed
them may be compared (GiGPO's anchor, "same observation, exact match": specs/credit/baselines). In a world that shows
the whole situation each time and lets the past leave the view (`Moment.keep`) that is the last observation; in a
conversation it is everything that was said, and only equal beginnings are equal states. The last message alone would
call every "yes" the same state.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from turnwise.core.types import Episode, Message


class States:
    """Numbers views: a tree of messages in which a view is a path, so that numbers agree exactly when views do."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, Any], int] = {}  # (view without its last message, that message) -> view

    def along(self, episode: Episode, turns: Sequence[int]) -> list[int]:
        """The number of the view before each turn of one seat on a path, in their order."""
        view, found = 0, []  # 0: nothing in view
        for turn in (episode.turns[index] for index in turns):
            view = self._read(0 if turn.fresh else view, turn.seen)
            found.append(view)
            view = self._read(view, (turn.message,))
        return found

    def _read(self, view: int, messages: Sequence[Message]) -> int:
        for message in messages:
            view = self._numbers.setdefault((view, _key(message)), len(self._numbers) + 1)
        return view


def _key(message: Message) -> tuple[str, ...]:
    """A message as the reader sees it; who wrote it is not shown."""
    if not message.calls:
        return message.role, message.text
    return message.role, message.text, json.dumps([dict(call) for call in message.calls], sort_keys=True)
