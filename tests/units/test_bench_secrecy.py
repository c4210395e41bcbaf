"""The check of secrecy finds each way of leaking, and nothing where nothing leaks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from turnwise.bench.secrecy import check, conversations, main
from turnwise.core.types import Task
from turnwise.users.acts import DialogueAct
from turnwise.users.disclosure import OnRequest
from turnwise.users.person import Person
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Templates
from turnwise.worlds import WORLDS
from turnwise.worlds.base import check_split
from turnwise.worlds.conversation import Conversation, Outcome, Somebody

COLOURS, SHAPES = ("red", "green", "blue"), ("round", "square")
OTHERS = {"colour": COLOURS, "shape": SHAPES}
VOICE = Templates(
    Phrases(
        {
            "hello": ("hello.", "hi there."),
            "inform": ("the {about} is {value}.", "{value}, as for the {about}."),
            "vague": ("hard to say about the {about}.",),
            "refuse": ("not the {about}, please.",),
            "acknowledge": ("I see.", "right."),
            "unclear": ("what?",),
            "leave": ("bye.",),
        }
    ),
    ("nice day.", "hm."),
    0.3,
)


def facts(task: Task) -> dict[str, str]:
    return {"colour": task.params["colour"], "shape": task.params["shape"]}


def honest(world, task, knobs) -> Person:
    return Person(facts(task), OnRequest(), VOICE, knobs, OTHERS, changing=("colour",))


class Thing(Conversation):
    """Somebody thinks of a thing with a colour and a shape, and is asked about it."""

    name, title = "thing", "ask about a thing"
    people = {"honest": Somebody("tells what it is asked", "requested slot", VOICE, honest)}
    language = Phrases({"ask": ("which {about}?",), "chat": ("nice day",)})
    experts = {"asker": lambda world: lambda view, rng: f"which {('colour', 'shape')[int(rng.integers(2))]}?\n"}

    def __init__(self, user="honest", patience=0, vagueness=0.0, error=0.0, withholding=0.0, changing=0.0):
        super().__init__(user, 5, patience, vagueness, error, withholding, 0.0, changing)

    def tasks(self, split):
        check_split(split)
        pairs = [(colour, shape) for colour in COLOURS for shape in SHAPES]
        return [Task(f"{split}-{c}-{s}", self.name, {"colour": c, "shape": s}, split) for c, s in pairs]

    def opening(self, task, draws):
        return self._person.voice.say((DialogueAct("hello"),), draws), self._person.begin()

    def judge(self, act, reply):
        return Outcome()


class Blabs(Templates):
    """Adds a word of its own."""

    def say(self, acts, draws):
        return super().say(acts, draws) + " it is not green."


@dataclass(frozen=True)
class Volunteers(Person):
    """Tells the shape along with everything."""

    def reply(self, standing, act, draws, useful=False):
        found = super().reply(standing, act, draws, useful)
        return replace(found, acts=(*found.acts, DialogueAct("inform", "shape", found.standing.facts["shape"])))


@dataclass(frozen=True)
class Blushes(Person):
    """Is silent about red things otherwise than about others."""

    def reply(self, standing, act, draws, useful=False):
        found = super().reply(standing, act, draws, useful)
        red = act is not None and act.kind == "chat" and found.standing.facts["colour"] == "red"
        return replace(found, acts=(DialogueAct("refuse", act.about),)) if red else found


@dataclass(frozen=True)
class Wavers(Person):
    """Is another one each time it is asked."""

    def reply(self, standing, act, draws, useful=False):
        found = super().reply(standing, act, draws, useful)
        COUNT.append(1)
        return replace(found, standing=replace(found.standing, state=len(COUNT)))


COUNT: list[int] = []


class Shows(Thing):
    """Shows whether what is thought of is round."""

    def status(self) -> str:
        return f"{len(self._task.params['shape'])} letters"


def somebody(kind=Person, voice=VOICE):
    return Somebody(
        "leaks", "none", voice, lambda w, t, k: kind(facts(t), OnRequest(), voice, k, OTHERS, changing=("colour",))
    )


def world_with(monkeypatch, base=Thing, **people):
    monkeypatch.setattr(WORLDS, "_places", dict(WORLDS._places))
    kind = type("Made", (base,), {"name": "made", "people": people or base.people})
    if people:
        kind.__init__ = lambda self, user="leaks", **knobs: base.__init__(self, "leaks", **knobs)
    WORLDS.add("made", kind)


def test_nothing_is_found_where_nothing_leaks(monkeypatch):
    world_with(monkeypatch)
    tally = check(3000, 0, ["made"])
    assert tally.leaks == []
    assert tally.turns["made/honest"] >= 3000
    assert tally.people["made/honest"] > 1000 and tally.worlds["made/honest"] > 300
    assert "0 leaks" in str(tally)


@pytest.mark.parametrize(
    ("base", "person", "found"),
    [
        (Thing, somebody(voice=Blabs(VOICE.phrases)), "words:"),
        (Thing, somebody(Volunteers), "permission:"),
        (Thing, somebody(Volunteers), "difference:"),
        (Thing, somebody(Blushes), "difference:"),
        (Thing, somebody(Wavers), "replay:"),
        (Shows, somebody(), "world:"),
    ],
    ids=["a voice that says more", "a fact too many", "and it shows", "a blush", "a mood", "a world that shows"],
)
def test_each_leak_is_found(monkeypatch, base, person, found):
    world_with(monkeypatch, base, leaks=person)
    assert any(found in leak for leak in check(400, 0, ["made"]).leaks)


def test_the_same_seed_finds_the_same(monkeypatch):
    world_with(monkeypatch, leaks=somebody(Blushes))
    one, again = check(300, 3, ["made"]), check(300, 3, ["made"])
    assert (one.turns, one.leaks) == (again.turns, again.leaks) and one.leaks
    assert check(300, 4, ["made"]).leaks != one.leaks


def test_the_command_says_so_with_its_exit_code(monkeypatch, capsys):
    world_with(monkeypatch)
    assert "made" in conversations()
    assert main(["--turns", "100", "--world", "made"]) == 0
    assert "0 leaks" in capsys.readouterr().out
    world_with(monkeypatch, leaks=somebody(Volunteers))
    assert main(["--turns", "100", "--world", "made"]) == 1


UNREAD = {
    "ask-or-answer": "a question opens the facts that it fits best, which the check does not work out",
    "persuade": "acts there are kinds of moves, which the check has no words for",
    "socratic": "what a learner believes of its own program is told from the start",
    "tutor": "the wrong solution is shown at first, and follows from what is hidden",
}
"""Worlds whose people the check cannot judge as it is -> why."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.xfail(reason=UNREAD[n])) if n in UNREAD else n for n in conversations()],
)
def test_people_of_registered_worlds_keep_their_secrets(name):
    tally = check(1500, 0, [name])
    assert tally.leaks == []
    assert all(tally.people[who] > 0 for who in tally.turns)
