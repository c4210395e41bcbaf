"""Scripted searchers of search-rooms; each reads the conversation alone.

thorough    opens every drawer of a room, goes on to rooms not yet entered, looks twice, answers with the real key alone
hasty       the same search, but answers at first sight; asked again after an answer, looks again
wavering    as hasty, but asked again goes on to what else there is, without a look at what was right or wrong
mix         does as the thorough one in most acts, else anything
clumsy      does so in few
random      anything, possible or not
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.protocols import View
from turnwise.core.types import Message
from turnwise.worlds.search_rooms_rules import HALL, KEY, REAL, House, Known, read

if TYPE_CHECKING:
    from turnwise.worlds.base import Expert
    from turnwise.worlds.search_rooms import SearchRooms

MIX, CLUMSY = 0.7, 0.3
"""Of the acts of `mix` and `clumsy`, the share that are the thorough one's."""

Rule = Callable[[Known, bool, House, np.random.Generator], str]
"""From what is known, and whether an answer was just held back, to what is said."""


def thorough(known: Known, asked_again: bool, house: House, rng: np.random.Generator) -> str:
    """A second look at whatever looks like the key."""
    here = known.seen.get(known.open)
    if here == REAL:
        return "answer\n"
    return "look\n" if here == KEY else searching(known, house, rng)


def hasty(known: Known, asked_again: bool, house: House, rng: np.random.Generator) -> str:
    """A second look only when asked again."""
    here = known.seen.get(known.open)
    if here == KEY and asked_again:
        return "look\n"
    return "answer\n" if here in (KEY, REAL) else searching(known, house, rng)


def wavering(known: Known, asked_again: bool, house: House, rng: np.random.Generator) -> str:
    """Something else when asked again."""
    here = known.seen.get(known.open)
    return "answer\n" if here in (KEY, REAL) and not asked_again else searching(known, house, rng)


def searching(known: Known, house: House, rng: np.random.Generator) -> str:
    """The next drawer of this room, else a room not yet entered, else one that holds what may be the key, else any."""
    shut = [letter for letter in house.letters if f"{known.room}{letter}" not in known.seen]
    if known.room != HALL and shut:
        return f"open {shut[0]}\n"
    new = [room for room in range(1, house.rooms + 1) if room not in known.rooms]
    maybe = [place for place, sight in known.seen.items() if sight in (KEY, REAL) and place != known.open]
    if not new and (here := [place[1] for place in maybe if place[0] == str(known.room)]):
        return f"open {here[0]}\n"
    rooms = new or [int(place[0]) for place in maybe] or list(range(1, house.rooms + 1))
    return f"go {rooms[int(rng.integers(len(rooms)))]}\n"


def player(rule: Rule, share: float = 1.0) -> Callable[[SearchRooms], Expert]:
    """What makes the searcher who follows a rule with some probability, else does anything, possible or not."""

    def made(world: SearchRooms) -> Expert:
        acts = world.house.acts

        def says(view: View, rng: np.random.Generator) -> str:
            if rng.random() >= share:
                return acts[int(rng.integers(len(acts)))]
            return rule(read(view.messages), asked_again(view.messages), world.house, rng)

        return says

    return made


def asked_again(messages: Sequence[Message]) -> bool:
    """Whether an answer was given and yet an act is asked for."""
    return len(messages) > 1 and messages[-2].role == "assistant" and messages[-2].text == "answer\n"


EXPERTS: Mapping[str, Callable[[SearchRooms], Expert]] = {
    "clumsy": player(thorough, CLUMSY),
    "hasty": player(hasty),
    "mix": player(thorough, MIX),
    "random": player(thorough, 0.0),
    "thorough": player(thorough),
    "wavering": player(wavering),
}
