"""What every simulated person of every registered world promises. Whether they keep secrets: test_secrecy."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from turnwise.agents.company import in_company
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, End, Message
from turnwise.users.acts import DialogueAct
from turnwise.users.culprit import CULPRITS
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import KINDS
from turnwise.users.phrases import normalised
from turnwise.worlds import WORLDS, make
from turnwise.worlds.conversation import Conversation

PEOPLE = [(n, user) for n in WORLDS if issubclass(WORLDS.get(n), Conversation) for user in WORLDS.get(n).people]
RULES = ("requested slot", "critique", "trust threshold", "understanding flag", "patience")
TURNED: list[dict[str, Any]] = [
    {"patience": 3},
    {"vagueness": 0.4},
    {"error": 0.4},
    {"withholding": 0.4},
    {"cooperation": 0.6},
    {"changing": 0.3},
]

KNOB_OF = {
    "withheld": "withholding",
    "vague": "vagueness",
    "mistaken": "error",
    "changed": "changing",
    "volunteered": "cooperation",
}


@pytest.fixture(params=PEOPLE, ids=lambda pair: "-".join(pair))
def cast(request):
    return request.param


def made(name, user, **knobs) -> Any:
    """The world with a person, or None where this person has no such knob."""
    try:
        world: Any = make(name, user=user, **knobs)
        world.person(world.tasks("train")[0])
    except TurnwiseError:
        return None
    return world


def settings_of(name, user):
    """At rest, and with each knob turned that there is."""
    return [w for w in (made(name, user), *(made(name, user, **knobs) for knobs in TURNED)) if w is not None]


def played(world, task, expert, key=1):
    agents = in_company(world, {"agent": ScriptedAgent(world.expert(expert), expert)})
    cursor = asyncio.run(play(Cursor(world.live(), task, Chance(key_of(key, task.key))), agents))
    episode = cursor.episode("e", {})
    assert episode.ends[0].error is None, episode.ends[0].error
    return episode


def some(tasks, count):
    return tasks[:: max(1, len(tasks) // count)][:count]


def test_there_are_two_people_to_choose_from(cast):
    name, user = cast
    kind = WORLDS.get(name)
    assert len(kind.people) >= 2
    assert kind.people[user].title and any(rule in kind.people[user].rule for rule in RULES)
    with pytest.raises(UnknownName, match="user"):
        make(name, user="nobody at all")
    with pytest.raises(TurnwiseError):
        make(name, user=user, withholding=1.5)


def test_a_voice_is_understood_by_those_who_know_it(cast):
    """Every act has words, several where it matters, and its words are read as that act."""
    world = made(*cast)
    voice = world.people[world.user].voice
    person = world.person(world.tasks("train")[0])
    facts = list(person.facts.items())
    for kind in KINDS:
        for fact, value in facts[:12]:
            values = {"inform": str(value), "vague": person.kinds.get(fact, "something")}
            act = DialogueAct(kind, fact, values.get(kind, ""))
            for text in {voice.say((act,), Draws(key, 1)) for key in range(12)}:
                (*_, heard) = voice.read(text) or (None,)
                assert heard is not None and heard.kind == kind, (text, heard)
                if kind == "inform":
                    assert normalised(heard.value) == normalised(act.value), text
                    assert normalised(heard.about) in ("", normalised(act.about)), text  # not all answers name it
    fact, value = facts[0]
    acts = [DialogueAct(kind, fact, str(value) if kind == "inform" else "") for kind in KINDS]
    assert max(len({voice.say((act,), Draws(key, 1)) for key in range(40)}) for act in acts) >= 2


def test_the_same_person_against_every_agent(cast):
    """Its opening, its draws and its changes of mind do not depend on whom it talks to."""
    for world in settings_of(*cast):
        task, lives = world.tasks("train")[1], []
        for expert in sorted(world.experts):
            episode = played(world, task, expert)
            turns = [t for t in episode.turns if t.seat == "agent"]
            draws = [d[1] for t in episode.turns for d in t.facts["draws"] if d[0] == "person"]
            minds = [any(what == "changed" for what, _ in t.facts["events"]) for t in turns]
            lives.append((turns[0].seen, draws, minds))
        for one in lives[1:]:
            assert one[0] == lives[0][0]
            for mine, first in zip(one[1:], lives[0][1:], strict=True):
                shared = min(len(mine), len(first))
                assert mine[:shared] == first[:shared]


def test_a_record_alone_gives_the_same_words_again(cast):
    """The draws that were logged, handed back in, and the same words of the agent; nothing else is known."""
    for world in settings_of(*cast):
        for task in some(world.tasks("train"), 2):
            episode = played(world, task, sorted(world.experts)[-1])
            draws: dict[str, list] = {}
            for name, value in [*episode.origin["draws"], *(d for t in episode.turns for d in t.facts["draws"])]:
                draws.setdefault(name, []).append(value)
            again = Cursor(world.live(), task, Chance(key_of("another"), script=json.loads(json.dumps(draws))))
            again.begin()
            for turn in episode.turns:
                assert again.seats[turn.seat].seen() == turn.seen
                again.take({turn.seat: Act(Message("assistant", turn.message.text))})
            assert again.seats["agent"].seen() == episode.ends[0].seen["agent"] and not again.open
            assert again.tree.ends[0].facts == episode.ends[0].facts


def test_failures_have_a_culprit_and_ends_have_a_reason(cast):
    seen, noted = set(), set()
    for world in settings_of(*cast):
        for expert in world.experts:
            for task in some(world.tasks("eval"), 3):
                (leaf,) = played(world, task, expert).ends
                assert leaf.end is End.DONE and leaf.facts["over"] in ("user", "agent", "left", "turns")
                assert leaf.facts["user"] == world.user
                noted |= set(leaf.facts)
                assert ("culprit" in leaf.facts) == (not leaf.facts["success"])
                seen.add(leaf.facts.get("culprit"))
    assert seen - {None} <= set(CULPRITS) and set(world.noted) <= noted


def test_what_happens_is_of_a_knob_that_is_turned(cast):
    """Some people are made with a knob of their own turned; a world at rest turns no other."""
    world = made(*cast)
    assert world.knobs == Knobs()
    for expert in world.experts:
        for task in some(world.tasks("train"), 2):
            knobs = world.person(task).knobs
            events = {what for turn in played(world, task, expert).turns for what, _ in turn.facts["events"]}
            assert all(getattr(knobs, KNOB_OF[what]) > 0.0 for what in events)


def test_whom_one_imagines_could_have_said_it(cast):
    """At rest, all that was told is true of the person imagined from it, and it goes on being true."""
    world = made(*cast)
    told_something = 0
    for expert in sorted(world.experts):
        for task in some(world.tasks("train"), 3):
            cursor: Any = Cursor(world.live(), task, Chance(key_of(3, task.key)))
            cursor.begin()
            while cursor.open and cursor.turns_taken < 6:
                if "agent" not in cursor.moment.to_act:
                    break
                view = cursor.view("agent")
                imagined = cursor.world.imagine(view, Chance(key_of("imagined", view.tick)))
                voice = world.people[world.user].voice
                facts = {normalised(f): normalised(str(v)) for f, v in imagined._person.facts.items()}
                for act in [a for m in view.messages if m.role == "user" for a in voice.read(m.text)]:
                    about, value = normalised(act.about), normalised(act.value)
                    if act.kind == "inform" and (about in facts or not about):
                        told_something += 1
                        assert value in (facts.values() if not about else (facts[about],)), (act, expert, task.key)
                text = world.expert(expert)(view, generator(view.chance_key))
                cursor.take({"agent": Act(Message("assistant", text))})
    assert told_something
