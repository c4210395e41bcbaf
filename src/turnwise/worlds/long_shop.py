"""long-shop: buy one thing in a shop whose pages are long, with a word from the first (specs/learn/webagent_r1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from turnwise.core.chance import Chance, generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds.base import Expert, World, check_split

SHELVES, COLOURS, VOUCHERS = ("mugs", "hats", "pens"), ("red", "blue", "green"), ("oak", "elm", "ash", "fir")
FILLER = ("new", "offers", "every", "week", "see", "more", "below", "best", "price", "terms")
SAID = re.compile(r"(?:open (\w+)|(back)|buy(?: (\w+))?)(?: ; note (\w+))?\n?")


def player(notes: bool) -> Callable[[LongShop], Expert]:
    """What makes the player who goes straight to the thing; with notes, one who writes down the first page's word."""

    def made(world: LongShop) -> Expert:
        def says(view: View, rng: np.random.Generator) -> str:
            task, page = view.messages[0].text, view.messages[-1].text
            colour, shelf = task.split()[1:3]
            written = [found[4] for m in view.messages if (found := SAID.fullmatch(m.text)) and found[4]]
            told = re.search(r"voucher (\w+)\.", " ".join(m.text for m in view.messages))
            word = told[1] if told else written[-1] if written else str(rng.choice(VOUCHERS))
            if page.startswith("shop"):
                return f"open {shelf}" + (f" ; note {word}" if notes else "") + "\n"
            return f"open {colour}\n" if page.startswith("shelf") else f"buy {word}\n"

        return says

    return made


class LongShop(World):
    """Open the shelf, open the thing, buy it with the voucher word that the shop's first page tells: earns 1.

    Acts are `open NAME`, `back` and `buy WORD`, each with `; note WORD` behind it if one likes: what was said stays in
    view where pages do not. Anything else shows the page again. Buying ends the episode, rightly or wrongly.

    Args:
        filler: words on every page that say nothing.
        max_steps: acts before the episode fails.
    """

    name = "long-shop"
    title = "buy a thing in a shop of long pages, with a word from the first"
    experts = {"noting": player(True), "forgetful": player(False)}
    demonstrator = "noting"

    def __init__(self, filler: int = 60, max_steps: int = 6):
        if filler < 0 or max_steps < 1:
            raise TurnwiseError(f"filler = {filler}, max_steps = {max_steps}", "0 or more words, 1 or more acts")
        self.filler, self.max_steps = filler, max_steps

    @property
    def turns(self) -> int:
        """Acts before the episode fails."""
        return self.max_steps

    @property
    def random_observations(self) -> bool:
        """Vouchers are told before they are needed."""
        return False

    def tasks(self, split: str) -> Sequence[Task]:
        """Every thing with every voucher."""
        check_split(split)
        found = [(colour, shelf, word) for word in VOUCHERS for shelf in SHELVES for colour in COLOURS]
        return [
            Task(f"{split}-{c}-{s}-{v}", self.name, {"colour": c, "shelf": s, "voucher": v}, split) for c, s, v in found
        ]

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._colour, self._shelf, self._voucher = (task.params[name] for name in ("colour", "shelf", "voucher"))
        self._at: tuple[str, ...] = ()
        self._steps = 0
        told = Message("user", f"buy {self._colour} {self._shelf} with the voucher of today\n")
        return Moment({"agent": (told, self._page())}, ("agent",), facts=self._facts())

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        act = SAID.fullmatch(said["agent"].text)
        self._steps += 1
        if act is not None and self.is_answer(act[0]):
            return self._over(self._at == (self._shelf, self._colour) and act[3] == self._voucher)
        if self._steps == self.max_steps:
            return self._over(False)
        before = "" if act is not None and self._goes(act) else "no such act. "
        return Moment({"agent": (self._page(before),)}, ("agent",), {"agent": 0.0}, facts=self._facts())

    def is_answer(self, text: str) -> bool:
        """Buying, whatever it is."""
        return text.startswith("buy") and SAID.fullmatch(text) is not None

    def _goes(self, act: re.Match) -> bool:
        """Open or go back; whether there was anything to open."""
        if act[2]:
            self._at = self._at[:-1]
            return True
        if act[1] not in (SHELVES, COLOURS, ())[len(self._at)]:
            return False
        self._at = (*self._at, act[1])
        return True

    def _over(self, success: bool) -> Moment:
        shown = (Message("user", "bought\n" if success else "not bought\n"),)
        return Moment(
            {"agent": shown}, (), {"agent": float(success)}, end=End.DONE, facts={**self._facts(), "success": success}
        )

    def _page(self, before: str = "") -> Message:
        """What is there first, then the filler, the same on every visit."""
        head = (
            f"shop: {', '.join(SHELVES)}. voucher {self._voucher}.",
            f"shelf {' '.join(self._at)}: {', '.join(COLOURS)}.",
            f"thing {' '.join(self._at)}: buy it with a voucher.",
        )[len(self._at)]
        words = generator("long-shop", *self._at).choice(FILLER, self.filler).tolist()
        return Message("user", " ".join([before + head, *words]) + "\n")

    def _facts(self) -> dict[str, Any]:
        return {"at": list(self._at), "steps": self._steps}

    def imagine(self, view: View, chance: Chance) -> LongShop:
        """The shop as it was told; the voucher is drawn where its page has left the view."""
        twin = self.live()
        assert isinstance(twin, LongShop)
        seen = " ".join(message.text for message in view.messages)
        told = re.search(r"voucher (\w+)\.", seen)
        twin._colour, twin._shelf = view.messages[0].text.split()[1:3]
        twin._voucher = told[1] if told else chance.choice(VOUCHERS, "voucher")
        place = re.search(r"(?:shelf|thing) ([\w ]+):", view.messages[-1].text)
        twin._at, twin._steps = tuple(place[1].split()) if place else (), view.tick
        return twin
