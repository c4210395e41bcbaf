"""A web shop in text, in ArCHer's form of WebShop, with goods of our own (specs/worlds/archer-worlds)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from turnwise.core.chance import Chance
from turnwise.core.protocols import View
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.worlds.archer_questions_rules import first_line
from turnwise.worlds.archer_shop_rules import SHOWN, Goal, Product, best, catalogue, goal, goal_of, score, search
from turnwise.worlds.base import World, check_split

BACK, BUY = "Back to Search", "Buy Now"
ACTION = re.compile(r"(search|click|think)\[(.*)\]")
TASKS = {"train": (0, 300), "eval": (2000, 101)}
"""Per split: number of the first session, and how many; ArCHer plays fixed_2000 to fixed_2100."""


def careful(view: View, rng: np.random.Generator) -> str:
    """Searches for what is asked, takes the best of what is shown, chooses every option, buys."""
    wanted, legal = goal_of(view.messages[0].text), view.legal or ()
    clicks = [text[len("click[") : -1] for text in legal]
    shown = [product for product in catalogue() if product.id in clicks]
    if not legal:
        return f"search[{' '.join(wanted.like)} {wanted.kind}]"
    if shown:
        return f"click[{best(wanted, shown).id}]"
    said = [m.text.strip() for m in view.messages if m.role == "assistant"]
    missing = [v for v in wanted.options.values() if v in clicks and f"click[{v}]" not in said]
    return f"click[{missing[0] if missing else BUY}]"


def forgetful(view: View, rng: np.random.Generator) -> str:
    """As the careful one, but at a product it buys at once every other time, whatever there is to choose."""
    text = careful(view, rng)
    return f"click[{BUY}]" if f"click[{BUY}]" in (view.legal or ()) and rng.random() < 0.4 else text


def aimless(view: View, rng: np.random.Generator) -> str:
    """Anything."""
    legal = view.legal or ("search[red]", "search[large]", "think[hm]")
    return legal[int(rng.integers(len(legal)))]


class ArcherShop(World):
    """Buy what a customer asks for. `search[words]` shows three products, `click[..]` opens, chooses, goes back or
    buys, `think[..]` is answered "OK."; what cannot be done is answered "Invalid action!".

    The reward is 0 until Buy Now is clicked, then how well the purchase fits, in [0, 1]; 1 is a success. Everything
    is in view, so nothing is hidden; eval asks for other things than train.

    Args:
        turns: actions; when they are used up nothing has been bought.
    """

    name = "archer-shop"
    title = "a web shop in text: search, choose, buy (after WebShop, with goods of our own)"
    experts = {"careful": lambda world: careful, "forgetful": lambda world: forgetful, "random": lambda world: aimless}
    demonstrator = "forgetful"
    turns: int = 10

    def __init__(self, turns: int = 10):
        self.turns = turns

    @property
    def random_observations(self) -> bool:
        return False

    def tasks(self, split: str) -> Sequence[Task]:
        first, count = TASKS[check_split(split)]
        numbers = range(first, first + count)
        return [Task(f"{split}-fixed_{n}", self.name, {"goal": goal(n, split).text}, split) for n in numbers]

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._begin(goal_of(task.params["goal"]))
        return Moment({"agent": (Message("user", self._goal.text + "\n[Search]\n"),)}, ("agent",))

    def _begin(self, wanted: Goal) -> None:
        self._goal, self._acted = wanted, 0
        self._results: tuple[Product, ...] = ()
        self._product: Product | None = None
        self._chosen: dict[str, str] = {}

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        self._acted += 1
        found = ACTION.fullmatch(first_line(said["agent"].text))
        kind, what = found.groups() if found else ("", "")
        if kind == "click" and what == BUY and self._product is not None:
            worth = score(self._goal, self._product, self._chosen)
            return self._over(f"Thank you. Score: {worth:.2f}", worth, {"bought": self._product.id})
        text = self._answer(kind, what)
        if self._acted >= self.turns:
            return self._over(text, 0.0, {"bought": None})
        return Moment({"agent": (Message("user", text + "\n"),)}, ("agent",), {"agent": 0.0}, self._legal() or None)

    def _over(self, text: str, worth: float, facts: dict) -> Moment:
        facts |= {"score": worth, "success": worth == 1.0}
        return Moment({"agent": (Message("user", text + "\n"),)}, (), {"agent": worth}, end=End.DONE, facts=facts)

    def _answer(self, kind: str, what: str) -> str:
        """What an action does, and what is then to be seen."""
        if kind == "think":
            return "OK."
        if kind == "search" and not self._results and self._product is None:
            self._results = tuple(search(what)[:SHOWN])
            return self._page() if self._results else "No results. [Search]"
        if kind != "click" or f"click[{what}]" not in self._legal():
            return "Invalid action!"
        if what == BACK:
            self._results, self._product, self._chosen = (), None, {}
        elif self._product is None:
            self._product = next(product for product in self._results if product.id == what)
        else:
            name = next(name for name, values in self._product.options.items() if what in values)
            self._chosen = {**self._chosen, name: what}
        return self._page()

    def _page(self) -> str:
        """The page that is open."""
        if self._product is not None:
            chosen = [f"{n}: {' '.join(f'[{v}]' for v in vs)}" for n, vs in self._product.options.items()]
            picked = f" Chosen: {', '.join(self._chosen.values())}." if self._chosen else ""
            about = f"{self._product.title}, {self._product.price} dollars. {'. '.join(chosen)}.{picked}"
            return f"[{BACK}] {about} [{BUY}]"
        if not self._results:
            return "[Search]"
        shown = [f"[{p.id}] {p.title}, {p.price} dollars" for p in self._results]
        return f"[{BACK}] " + "; ".join(shown)

    def _legal(self) -> tuple[str, ...]:
        """The clicks that do something; none on the search page, where any words can be searched for."""
        if self._product is not None:
            values = [v for several in self._product.options.values() for v in several]
            return tuple(f"click[{what}]" for what in (BACK, *values, BUY))
        return tuple(f"click[{what}]" for what in (BACK, *(p.id for p in self._results))) if self._results else ()

    def imagine(self, view: View, chance: Chance) -> ArcherShop:
        """The same shop: what was said in view leads to the one page there is."""
        twin = ArcherShop(self.turns)
        twin._begin(goal_of(view.messages[0].text))
        for message in view.messages:
            if message.role == "assistant":
                twin.step({"agent": message})
        return twin
