"""What a seat had in view before each of its turns, rebuilt from the record."""

from __future__ import annotations

from turnwise.core.types import Episode, Message, Seat


def views_along(episode: Episode, leaf: int = 0, seat: Seat = "agent") -> dict[int, tuple[Message, ...]]:
    """Turn of a seat on a path -> everything the seat saw when it acted, its own messages included."""
    view: tuple[Message, ...] = ()
    found = {}
    for index in episode.path(leaf):
        turn = episode.turns[index]
        if turn.seat == seat:
            view = turn.seen if turn.fresh else (*view, *turn.seen)
            found[index] = view
            view = (*view, turn.message)
    return found
