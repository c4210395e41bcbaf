"""What players of the social-deduction game are told, and what can be known from it. The wording is ours.

Whoever plays by rule reads the same lines as a language model does (`Memory`), so no rule knows more than was shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from turnwise.core.protocols import View
from turnwise.worlds.social_deduction_rules import Room

CLAIM, VOTE = "Your claim?", "Your vote?"
NOTHING = "I saw nobody"
NONE = "none"


def letter(room: Room, width: int) -> str:
    """The name of a room: A, B, C, .. row by row."""
    return chr(ord("A") + room[1] * width + room[0])


def room_of(name: str, width: int) -> Room:
    """The room with a name."""
    number = ord(name) - ord("A")
    return number % width, number // width


def listed(names: Iterable[str]) -> str:
    """Names in a row; `none` for none."""
    return ", ".join(names) or NONE


def claim(name: str, room: str) -> str:
    """The one kind of evidence that can be given."""
    return f"{name} was in room {room}"


def intro(me: str, crew: bool, names: Sequence[str], size: Room, tasks: Iterable[str]) -> list[str]:
    """The first lines. Names are in the order of the alphabet, which says nothing."""
    first = [f"Players: {listed(sorted(names))}. Rooms: {size[0]} by {size[1]}."]
    return [*first, f"You are {me}, crew.", tasks_line(tasks)] if crew else [*first, f"You are {me}, the impostor."]


def tasks_line(tasks: Iterable[str]) -> str:
    """The rooms in which there is something left to do."""
    return f"Tasks: {listed(sorted(set(tasks)))}."


def room_lines(room: str, here: Iterable[str], bodies: Sequence[str], tasks: Iterable[str]) -> list[str]:
    """Where one is and what is there."""
    dead = [f"Bodies: {listed(sorted(bodies))}."] if bodies else []
    return [f"In {room}.", f"Here: {listed(sorted(here))}.", *dead, tasks_line(tasks)]


def kill_line(killer: str, victim: str, room: str) -> str:
    """For whoever is in the room."""
    return f"{killer} killed {victim} in {room}."


def meeting_lines(finder: str, victim: str, room: str, alive: Iterable[str]) -> list[str]:
    """A discussion begins."""
    return [f"{finder} found {victim} dead.", f"The body was in {room}.", f"Alive: {listed(sorted(alive))}."]


def said_line(speaker: str, text: str) -> str:
    """A message, as all living players hear it."""
    return f"{speaker} says: {text}"


def vote_lines(votes: Iterable[tuple[str, str]], out: str | None) -> list[str]:
    """What the vote came to."""
    return [*(f"{voter} votes {name}." for voter, name in votes), f"{out or 'Nobody'} is out."]


LINES = {
    "players": re.compile(r"Players: (.+)\. Rooms: (\d+) by (\d+)\."),
    "role": re.compile(r"You are (\w+), (crew|the impostor)\."),
    "tasks": re.compile(r"Tasks: (.+)\."),
    "room": re.compile(r"In (\w)\."),
    "here": re.compile(r"Here: (.+)\."),
    "bodies": re.compile(r"Bodies: (.+)\."),
    "kill": re.compile(r"(\w+) killed (\w+) in (\w)\."),
    "found": re.compile(r"(\w+) found (\w+) dead\."),
    "scene": re.compile(r"The body was in (\w)\."),
    "alive": re.compile(r"Alive: (.+)\."),
    "said": re.compile(r"(\w+) says: (.*)"),
    "out": re.compile(r"(\w+) is out\."),
    "ask": re.compile(r"Your (claim|vote)\?"),
}
CLAIMED = re.compile(r"(\w+) was in room (\w)")


def split(names: str) -> list[str]:
    """The names of a row."""
    return [] if names == NONE else names.split(", ")


@dataclass
class Memory:
    """What one player has been told so far."""

    me: str = ""
    crew: bool = True
    names: list[str] = field(default_factory=list)
    size: Room = (0, 0)
    asked: str = "play"  # play, claim or vote
    room: str = ""
    here: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    last: dict[str, str] = field(default_factory=dict)  # room in which each was seen last, since play last began
    been: set[str] = field(default_factory=set)  # rooms one was in oneself, since then
    killers: set[str] = field(default_factory=set)
    scene: str = ""  # room of the body that is discussed
    finder: str = ""
    victim: str = ""
    claims: list[tuple[str, str, str]] = field(default_factory=list)  # (speaker, of whom, room) of this discussion
    speakers: list[str] = field(default_factory=list)  # of this discussion, oneself included

    def read(self, text: str) -> Memory:
        """Take in what was shown; a line of no known form tells nothing."""
        for line in text.splitlines():
            for kind, form in LINES.items():
                if found := form.fullmatch(line):
                    getattr(self, f"_{kind}")(*found.groups())
                    break
        return self

    @property
    def others(self) -> list[str]:
        """The other players that may be alive, in the order of the alphabet."""
        return [name for name in self.names if name != self.me and name not in self.dead]

    def _players(self, names: str, width: str, height: str) -> None:
        self.names, self.size = split(names), (int(width), int(height))

    def _role(self, me: str, role: str) -> None:
        self.me, self.crew = me, role == "crew"

    def _tasks(self, rooms: str) -> None:
        self.tasks = split(rooms)

    def _room(self, room: str) -> None:
        self.asked, self.room, self.here, self.bodies = "play", room, [], []
        self.been.add(room)

    def _here(self, names: str) -> None:
        self.here = split(names)
        self.last |= dict.fromkeys(self.here, self.room)

    def _bodies(self, names: str) -> None:
        self.bodies = split(names)
        self.dead |= set(self.bodies)

    def _kill(self, killer: str, victim: str, room: str) -> None:
        self.dead.add(victim)
        self.killers |= {killer} - {self.me}
        self.last |= {killer: room}

    def _found(self, finder: str, victim: str) -> None:
        self.finder, self.victim, self.claims, self.speakers = finder, victim, [], []

    def _scene(self, room: str) -> None:
        self.scene = room

    def _alive(self, names: str) -> None:
        self.dead |= set(self.names) - set(split(names))

    def _said(self, speaker: str, text: str) -> None:
        self.speakers.append(speaker)
        if found := CLAIMED.fullmatch(text.strip()):
            self.claims.append((speaker, found[1], found[2]))

    def _out(self, name: str) -> None:
        self.dead |= {name} & set(self.names)
        self.last, self.been, self.here, self.bodies = {}, set(), [], []

    def _ask(self, what: str) -> None:
        self.asked = what
        if what == "claim":
            self.speakers.append(self.me)


def remember(view: View) -> Memory:
    """What a seat's view tells. Its own messages come back to it, so they are not read twice."""
    memory = Memory()
    for message in view.messages:
        if message.role != "assistant":
            memory.read(message.text)
    return memory
