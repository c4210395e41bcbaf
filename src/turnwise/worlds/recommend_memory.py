"""What the seat of the recommender tells: read from its view alone, by players and for imagined wishes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.types import Message
from turnwise.users.acts import DialogueAct
from turnwise.worlds.recommend_catalogue import Catalogue
from turnwise.worlds.recommend_rules import Search, search

if TYPE_CHECKING:
    from turnwise.worlds.recommend import Recommend

SHOWN = re.compile(r"shown (?P<items>[^,]*),")


@dataclass
class Memory:
    """A conversation as it was seen: per turn the items that were shown and turned down, and what the person said."""

    catalogue: Catalogue
    exchanges: list[tuple[tuple[int, ...], tuple[DialogueAct, ...]]]  # the first is what was said unasked

    @property
    def turns(self) -> int:
        """Of the agent."""
        return len(self.exchanges) - 1

    @cached_property
    def search(self) -> Search:
        """What is known."""
        found = {at: yes for _, acts in self.exchanges for act in acts for at, yes in answers(self.catalogue, act)}
        accepted = [at for at, yes in found.items() if yes]
        rejected = [at for at, yes in found.items() if not yes]
        return search(self.catalogue, accepted, rejected, (i for items, _ in self.exchanges for i in items))

    @property
    def told(self) -> dict[str, str]:
        """The last that was said of each attribute or facet."""
        return {a.about: value_of(a) for _, acts in self.exchanges for a in acts if answers(self.catalogue, a)}

    def spent(self) -> tuple[int, int]:
        """Turns without use: in a row at the end, and in all."""
        known, said, idle, wasted = search(self.catalogue), dict[str, str](), 0, 0
        for place, (items, acts) in enumerate(self.exchanges):
            informs = {act.about: value_of(act) for act in acts if answers(self.catalogue, act)}
            news = any(said.get(about) != value for about, value in informs.items())
            if place:
                idle = 0 if news or (items and known.of_use(items)) else idle + 1
                wasted += idle > 0
            said |= informs
            known = told(known.turned_down(items) if items else known, acts)
        return idle, wasted

    def fitting(self) -> list[int]:
        """The items that fit all answers and were not turned down, or else those that contradict the fewest."""
        known, catalogue = self.search, self.catalogue
        fits = known.candidates
        for attribute in known.rejected:
            fits = fits & ~catalogue.having[attribute]
        if fits.any():
            return catalogue.members(fits).tolist()
        left = catalogue.everything & ~catalogue.set_of(known.shown)
        items = catalogue.members(left if left.any() else catalogue.everything)
        against = np.zeros(len(items), np.int64)
        for attributes, wanted in ((known.accepted, True), (known.rejected, False)):
            for attribute in attributes:
                against += catalogue.has(attribute, items) != wanted
        return items[against == against.min()].tolist()


def remember(world: Recommend, messages: Sequence[Message]) -> Memory:
    """Read a view from its beginning."""
    read, catalogue = world.people[world.user].voice.read, world.catalogue
    exchanges = list[tuple[tuple[int, ...], tuple[DialogueAct, ...]]]()
    for message in messages:
        if message.role == "user":
            exchanges.append(((), read(message.text)))
        elif message.role == "system" and (found := SHOWN.match(message.text)):
            items = tuple(catalogue.number[name] for name in found["items"].split())
            exchanges[-1] = items, exchanges[-1][1]
    return Memory(catalogue, exchanges)


def told(known: Search, acts: Sequence[DialogueAct]) -> Search:
    """What the person's words add to a search."""
    for act in acts:
        for attribute, yes in answers(known.catalogue, act):
            known = known.told(attribute, yes)
    return known


def answers(catalogue: Catalogue, act: DialogueAct) -> list[tuple[int, bool]]:
    """(attribute, whether it is wanted) of one act of the person; of a facet, each of its attributes."""
    if act.kind not in ("inform", "want"):
        return []
    if (at := catalogue.index.get(act.about)) is not None:
        return [(at, act.kind == "want" or act.value == "yes")]
    held = {f"{act.about} {value}" for value in act.value.split(" and ")}
    return [(at, catalogue.attributes[at] in held) for at in catalogue.facets.get(act.about, ())]


def value_of(act: DialogueAct) -> str:
    """What an act says of what it is about."""
    return "yes" if act.kind == "want" else act.value
