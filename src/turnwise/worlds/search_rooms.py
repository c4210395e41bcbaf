"""search-rooms: find the key in a house of drawers, some of which hold what looks like one (specs/plan/tti-budget)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turnwise.core.chance import Chance, generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import End, Episode, Message, Moment, Seat, Task
from turnwise.worlds import search_rooms_rules as rules
from turnwise.worlds.base import World, check_split
from turnwise.worlds.search_rooms_experts import EXPERTS

DEALS = {"train": 20, "eval": 4}
"""Tasks of each drawer that can hold the key, with decoys of their own."""


class SearchRooms(World):
    """Go from room to room, open drawers, and answer with the one in front of you: earns 1 if it holds the real key.

    Acts are `go 5`, `open b`, `look` (again, into the open drawer) and `answer`; what cannot be done now, and any other
    text, passes the turn. A decoy is told from the key by a second look alone, as is the key from a decoy. Only an
    answer or the last turn ends the episode.

    Args:
        decoys: chance that a room holds one decoy.
        rooms: 1 to 9.
        drawers: of each room, 1 to 26.
        max_steps: acts before the episode fails.
    """

    name = "search-rooms"
    title = "find the key among drawers in rooms, where decoys look right at first sight"
    experts = EXPERTS
    demonstrator = "mix"
    refusal = "cannot do that. "

    def __init__(self, decoys: float = 0.6, rooms: int = 8, drawers: int = 3, max_steps: int = 40):
        if not 0 <= decoys <= 1 or not 1 <= rooms <= 9 or not 1 <= drawers <= 26 or max_steps < 1:
            raise TurnwiseError(
                f"decoys = {decoys}, rooms = {rooms}, drawers = {drawers}, max_steps = {max_steps}",
                "a chance from 0 to 1, 1 to 9 rooms of 1 to 26 drawers, and 1 or more acts",
            )
        self.decoys, self.rooms, self.drawers, self.max_steps = float(decoys), rooms, drawers, max_steps

    @property
    def turns(self) -> int:
        """The last one fails unless it is an answer."""
        return self.max_steps

    @property
    def house(self) -> rules.House:
        """What can be searched."""
        return rules.House(self.rooms, self.drawers, self.decoys)

    def tasks(self, split: str) -> Sequence[Task]:
        """The key in every drawer, a few times, each time among other decoys."""
        check_split(split)
        return [
            Task(
                f"{split}-{place}-{deal}",
                self.name,
                {"key": place, "decoys": list(self.house.lay(place, generator("search-rooms", split, place, deal)))},
                split,
            )
            for deal in range(DEALS[split])
            for place in self.house.places
        ]

    def reset(self, task: Task, chance: Chance) -> Moment:
        if task.params["key"] not in self.house.places:
            raise TurnwiseError(f"a key in drawer {task.params['key']!r}", f"one of {', '.join(self.house.places)}")
        self._search = rules.Search(task.params["key"], tuple(task.params["decoys"]))
        self._steps = 0
        told = Message("user", f"find the key. {self._search.tell()}")
        return Moment({"agent": (told,)}, ("agent",), legal=self._legal(), facts=self._facts())

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        text = said["agent"].text
        self._steps += 1
        if self.is_answer(text):
            return self._over(self._search.open == self._search.target)
        before = "" if self._does(text) else self.refusal
        if self._steps == self.max_steps:
            return self._over(False)
        shown = Message("user", before + self._search.tell())
        return Moment({"agent": (shown,)}, ("agent",), {"agent": 0.0}, legal=self._legal(), facts=self._facts())

    def is_answer(self, text: str) -> bool:
        """Said with a drawer open."""
        return text in ("answer", "answer\n") and bool(self._search.open)

    def calls(self, episode: Episode, leaf: int = 0) -> tuple[list[tuple[str, str]], bool]:
        """What was looked at on a path, (search, query or check; what about), and whether nothing was refused; the last
        act of an episode that ran out of time is neither, since nobody was told what came of it.
        """
        acts = [episode.turns[index] for index in episode.path(leaf)]
        shown = [turn.seen for turn in acts[1:]] + [episode.ends[leaf].seen.get("agent", ())]
        told = [seen[-1].text for seen in shown if seen]
        return rules.calls(told), not any(text.startswith(self.refusal) for text in told)

    def _does(self, text: str) -> bool:
        """Do what is said; whether that can be done here."""
        act = rules.ACT.fullmatch(text)
        if act is None:
            return False
        if act[1] and int(act[1]) <= self.rooms:
            self._search.go(int(act[1]))
        elif act[2] and self._search.room and act[2] in self.house.letters:
            self._search.look(f"{self._search.room}{act[2]}")
        elif act[0].startswith("look") and self._search.open:
            self._search.look(self._search.open)
        else:
            return False
        return True

    def _legal(self) -> tuple[str, ...]:
        here = ("go", "open", "look", "answer")[: 1 + bool(self._search.room) + 2 * bool(self._search.open)]
        return tuple(act for act in self.house.acts if act.split()[0] in here)

    def _over(self, success: bool) -> Moment:
        shown = Message("user", "right\n" if success else "wrong\n")
        facts = {**self._facts(), "success": success}
        return Moment({"agent": (shown,)}, (), {"agent": float(success)}, end=End.DONE, facts=facts)

    def _facts(self) -> dict[str, Any]:
        return {"room": self._search.room, "open": self._search.open, "back": self._search.back, "steps": self._steps}

    def imagine(self, view: View, chance: Chance) -> SearchRooms:
        """Key and decoys drawn anew as what was seen leaves them probable."""
        twin = self.live()
        assert isinstance(twin, SearchRooms)
        known = rules.read(view.messages)
        target, decoys = chance.outcome("house", lambda: self.house.imagine(known.seen, chance.rng))
        looks = {place: 1 + (sight in (rules.TOY, rules.REAL)) for place, sight in known.seen.items()}
        twin._search = rules.Search(target, decoys, known.room, known.open, looks, list(known.rooms))
        twin._steps = view.tick
        return twin
