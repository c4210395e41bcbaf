"""Single steps of an episode as a judge reads them: what was shown, what was said, what was shown then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from turnwise.core.types import Episode


@dataclass(frozen=True, slots=True)
class Transition:
    """One turn of a seat."""

    turn: int  # index in Episode.turns
    leaf: int  # the first path that holds it
    before: str  # newest text the seat saw when it acted
    act: str  # what it said
    after: str  # newest text it saw then; empty where nothing was shown


def transitions(episode: Episode, seat: str = "agent") -> Iterator[Transition]:
    """Every turn of a seat, each once, path by path."""
    known: set[int] = set()
    for leaf, end in enumerate(episode.ends):
        path = [index for index in episode.path(leaf) if episode.turns[index].seat == seat]
        shown = [episode.turns[index].seen[-1].text for index in path]
        last = end.seen.get(seat, ())
        for index, before, after in zip(path, shown, [*shown[1:], last[-1].text if last else ""], strict=True):
            if index not in known:
                known.add(index)
                yield Transition(index, leaf, before, episode.turns[index].message.text, after)
