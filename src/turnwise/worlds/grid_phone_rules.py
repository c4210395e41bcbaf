"""The phone of grid-phone: five screens with boxes to tap, what acts do, and how all of it is told and read again
(specs/learn/mobile_r1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from turnwise.core.errors import TurnwiseError

Box = tuple[int, int, int, int]  # left, top, right, bottom on a grid of 6 by 6, edges inside
SIZE = 6
HOME, SETUP, PEOPLE, NOTES, MAIL = "home", "setup", "people", "notes", "mail"
TOP_LEFT, TOP_RIGHT, LEFT, RIGHT = (0, 0, 2, 1), (3, 0, 5, 1), (0, 2, 2, 3), (3, 2, 5, 3)
UPPER, LOWER, BOTTOM, MIDDLE = (0, 0, 5, 1), (0, 2, 5, 3), (0, 4, 5, 5), (1, 1, 4, 4)
SCREENS: dict[str, dict[str, Box]] = {
    HOME: {SETUP: TOP_LEFT, PEOPLE: TOP_RIGHT, NOTES: LEFT, MAIL: RIGHT},
    SETUP: {"wifi": UPPER, "dark": LOWER},
    PEOPLE: {"ana": TOP_LEFT, "ben": TOP_RIGHT, "call": BOTTOM},
    NOTES: {"save": BOTTOM},
    MAIL: {"ana": TOP_LEFT, "ben": TOP_RIGHT, "send": BOTTOM},
}
DIALOG: dict[str, Box] = {"rate": MIDDLE}
FINAL = ("call", "save", "send")  # what cannot be undone
PERSONS, WORDS = ("ana", "ben"), ("milk", "eggs")
GOALS = (
    "wifi",
    "dark",
    *(f"call {person}" for person in PERSONS),
    *(f"note {word}" for word in WORDS),
    *(f"mail {person} {word}" for person in PERSONS for word in WORDS),
)
FORM = re.compile(r"<think>([^<>]*)</think><act>(?:tap (\d) (\d)|type ([a-z]+)|(back)|(done))</act>\n?")
TOLD = re.compile(r"goal ([^.]+)\. screen (\w+)( under a dialog)?, person (\w+), text (\w+)\. now ([^.]+)\. ")


class Act(NamedTuple):
    """What a well-formed reply asks for."""

    kind: str  # tap, type, back or done
    at: tuple[int, int] | None = None
    word: str = ""


def read_act(text: str) -> Act | None:
    """The act of a reply, None where it is not a thinking block and an action block."""
    found = FORM.fullmatch(text)
    if found is None:
        return None
    _, x, y, word, back, done = found.groups()
    if x is not None:
        return Act("tap", (int(x), int(y)))
    return Act("type", word=word) if word else Act(back or done)


def write_act(thought: str, act: Act) -> str:
    """A well-formed reply."""
    words = {"tap": "tap {} {}".format(*act.at or (0, 0)), "type": f"type {act.word}"}
    return f"<think>{thought}</think><act>{words.get(act.kind, act.kind)}</act>\n"


def inside(box: Box, at: tuple[int, int]) -> bool:
    """Whether a point lies in a box; its edges belong to it."""
    return box[0] <= at[0] <= box[2] and box[1] <= at[1] <= box[3]


@dataclass(frozen=True)
class Phone:
    """Everything there is to know, all of it told."""

    goal: str
    screen: str = HOME
    dialog: bool = False
    person: str = "none"  # chosen on this screen
    text: str = "none"  # typed on this screen
    facts: frozenset[str] = frozenset()  # what was switched on, called, noted and mailed

    @property
    def boxes(self) -> dict[str, Box]:
        """What can be tapped."""
        return DIALOG if self.dialog else SCREENS[self.screen]

    @property
    def reached(self) -> bool:
        """The goal and nothing else has come about."""
        return self.facts == {self.goal}

    def element(self, at: tuple[int, int]) -> str | None:
        """What lies at a point."""
        return next((name for name, box in self.boxes.items() if inside(box, at)), None)

    def after(self, act: Act) -> Phone:
        """The phone after an act; what hits nothing does nothing."""
        if act.kind == "back":
            return replace(self, dialog=False) if self.dialog else Phone(self.goal, facts=self.facts)
        if act.kind == "type" and self.screen in (NOTES, MAIL) and not self.dialog:
            return replace(self, text=act.word)
        name = None if act.at is None else self.element(act.at)
        return self if name is None else self.tapped(name)

    def tapped(self, name: str) -> Phone:
        """The phone after an element was tapped; a dialog that is tapped leads away, home."""
        if self.dialog:
            return Phone(self.goal, facts=self.facts)
        if self.screen == HOME:
            return replace(self, screen=name)
        if name in PERSONS:
            return replace(self, person=name)
        made = {
            "call": f"call {self.person}",
            "save": f"note {self.text}",
            "send": f"mail {self.person} {self.text}",
        }.get(name, name)
        facts = self.facts ^ {made} if self.screen == SETUP else self.facts if "none" in made else self.facts | {made}
        return replace(self, facts=facts)

    def tell(self) -> str:
        """One line."""
        over = " under a dialog" if self.dialog else ""
        now = ", ".join(sorted(self.facts)) or "nothing"
        boxes = ", ".join(f"{name} {' '.join(map(str, box))}" for name, box in self.boxes.items())
        here = f"screen {self.screen}{over}, person {self.person}, text {self.text}"
        return f"goal {self.goal}. {here}. now {now}. {boxes}\n"


def read_phone(text: str) -> Phone:
    """The phone that a line tells.

    Raises:
        TurnwiseError: no phone tells that.
    """
    found = TOLD.search(text)
    if found is None:
        raise TurnwiseError(f"a view that ends in {text!r}", "a line of grid-phone")
    goal, screen, over, person, word, now = found.groups()
    facts = frozenset() if now == "nothing" else frozenset(now.split(", "))
    return Phone(goal, screen, over is not None, person, word, facts)


def best_act(phone: Phone) -> tuple[str, Act]:
    """(a thought, the act) that leads to the goal, wrong turns undone first."""
    if phone.dialog:
        return "close", Act("back")
    if phone.reached:
        return "finished", Act("done")
    wanted, wrong = _wanted(phone)
    app = {"call": PEOPLE, "note": NOTES, "mail": MAIL}.get(wanted[0], SETUP)
    if phone.screen == app and not (app != SETUP and wrong):
        return _inside(phone, wanted)
    return ("open " + app, _tap(phone, app)) if phone.screen == HOME else ("leave", Act("back"))


def _wanted(phone: Phone) -> tuple[list[str], bool]:
    """What is to be done next, in words: a switch that is wrongly on comes first."""
    switched = sorted(phone.facts & {"wifi", "dark"} - {phone.goal})
    return ([switched[0]], True) if switched else (phone.goal.split(), False)


def _inside(phone: Phone, wanted: list[str]) -> tuple[str, Act]:
    """The next act on the screen where the goal is reached."""
    if phone.screen == SETUP:
        return wanted[0], _tap(phone, wanted[0])
    person = next((word for word in wanted if word in PERSONS), "none")
    if phone.person != person:
        return person, _tap(phone, person)
    word = next((word for word in wanted if word in WORDS), "none")
    if phone.text != word:
        return word, Act("type", word=word)
    last = {PEOPLE: "call", NOTES: "save", MAIL: "send"}[phone.screen]
    return last, _tap(phone, last)


def _tap(phone: Phone, name: str) -> Act:
    """A tap on the middle of an element."""
    left, top, right, bottom = phone.boxes[name]
    return Act("tap", ((left + right) // 2, (top + bottom) // 2))
