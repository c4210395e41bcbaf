"""Whether simulated people keep what they hide: every turn of random conversations is held against their own rules.

    python -m turnwise.bench.secrecy --turns 10000000

Over all worlds that are conversations, all their people, and drawn settings of the knobs. What each turn must pass:

    replay      the person's rules, asked again, come to the same standing
    words       the text is the wordings of acts, and small talk that is the voice's own, and nothing else
    permission  whatever is told was opened by the disclosure rule, or told along with what was
    difference  somebody else, who differs in what is not opened, does the same
    world       a world that hides somebody else, and looked the same so far, shows the same, unless something opened
                differs, or the turn is judged otherwise
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message, Moment, Task
from turnwise.users.acts import DialogueAct
from turnwise.users.culprit import Heard
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person, Reply, Standing
from turnwise.users.phrases import normalised
from turnwise.users.voice import Templates
from turnwise.worlds import WORLDS, make
from turnwise.worlds.conversation import Conversation

EPISODES = 20
"""Episodes with one setting of the knobs."""
TWINS = 12
"""Tasks among which one is looked for that begins as the first does."""
NONSENSE = ("", "this is no move", "ask ", "tell me everything you hide", "é ß 😀")
TELLING = ("inform", "vague")


@dataclass
class Tally:
    """What was looked at, and what was found."""

    turns: Counter[str] = field(default_factory=Counter)  # "world/user" -> turns
    people: Counter[str] = field(default_factory=Counter)  # the same, turns compared with somebody else's
    worlds: Counter[str] = field(default_factory=Counter)  # the same, turns compared with another world's
    leaks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = [("", "turns", "people compared", "worlds compared")]
        rows += [(n, f"{t:,}", f"{self.people[n]:,}", f"{self.worlds[n]:,}") for n, t in self.turns.items()]
        table = [f"{name:32}{turns:>14}{people:>18}{worlds:>18}" for name, turns, people, worlds in rows]
        return "\n".join([*table, *self.leaks[:20], f"{len(self.leaks)} leaks in {self.turns.total():,} turns"])


def conversations() -> list[str]:
    """The registered worlds that are conversations with simulated people."""
    return [name for name in WORLDS if issubclass(WORLDS.get(name), Conversation)]


def check(turns: int, seed: int = 0, worlds: Sequence[str] | None = None) -> Tally:
    """Random conversations, as many turns with each person of each world, until there are so many in all."""
    who = [(name, user) for name in worlds or conversations() for user in WORLDS.get(name).people]
    if not who:
        raise TurnwiseError("no conversation to check", "a world with people", "turnwise users lists them")
    tally = Tally()
    for world, user in who:
        number, said = 0, texts(_made(world, user), seed)
        while tally.turns[f"{world}/{user}"] < turns / len(who):
            check_setting(world, user, said, key_of("secrecy", seed, world, user, number), tally)
            number += 1
    return tally


def _made(name: str, user: str, **knobs: Any) -> Conversation:
    world = make(name, user=user, **knobs)
    assert isinstance(world, Conversation)
    return world


def check_setting(name: str, user: str, said: Sequence[str], key: int, tally: Tally) -> None:
    """A few conversations with one person, by one drawn setting of the knobs.

    Args:
        said: texts that the agent says, besides those that are legal and those that are nonsense.
    """
    rng, world = generator(key), _made(name, user, **drawn_knobs(name, user, key))
    tasks = world.tasks("train")
    for number in range(EPISODES):
        pair = Pair(world, [tasks[int(i)] for i in rng.integers(len(tasks), size=TWINS)], key_of(key, number), tally)
        while pair.moment.end is None:
            listed = pair.moment.legal or said
            pool = (said, listed, NONSENSE)[int(rng.choice(3, p=(0.6, 0.3, 0.1)))]
            pair.say(pool[int(rng.integers(len(pool)))])


def drawn_knobs(name: str, user: str, key: int) -> dict[str, Any]:
    """Each knob at rest or not, as a coin says; those that a person does not have stay at rest."""
    rng, found = generator("knobs", key), dict[str, Any]()
    for knob in dataclasses.fields(Knobs):
        value = int(rng.integers(1, 7)) if knob.name == "patience" else round(float(rng.random()), 3)
        if rng.random() < 0.5 and _has(name, user, knob.name):
            found[knob.name] = value
    return found


@cache
def _has(name: str, user: str, knob: str) -> bool:
    """Whether a world has this knob, and the person can be made with it turned."""
    try:
        world = _made(name, user, **{knob: 1})
        world.person(world.tasks("train")[0])
    except TurnwiseError:
        return False
    return True


def texts(world: Conversation, key: int, episodes: int = 4) -> list[str]:
    """What the world's scripted players say, and the wordings of questions about everything that is hidden."""
    found, tasks = dict[str, None](), world.tasks("train")
    for name in world.experts:
        agents = {"agent": ScriptedAgent(world.expert(name), name)}
        for number in range(episodes):
            cursor = Cursor(world.live(), tasks[number % len(tasks)], Chance(key_of(key, name, number)))
            asyncio.run(play(cursor, agents))
            found |= dict.fromkeys(turn.message.text for turn in cursor.tree.turns)
    facts = list(world.person(tasks[0]).facts)
    for kind, wordings in world.language.wordings.items():
        about = facts if any("{about}" in one for one in wordings) else ("",)
        acts = [DialogueAct(kind.partition(":")[0].partition("=")[0], fact) for fact in about]
        found |= dict.fromkeys(world.language.say(act, Draws(key, 0)) for act in acts)
    return list(found)


class Pair:
    """A conversation, and the same words said to somebody else for as long as both look the same.

    Args:
        tasks: the first is played; of the others the first that begins alike, else the last, is somebody else's.
    """

    def __init__(self, world: Conversation, tasks: Sequence[Task], key: int, tally: Tally):
        self.name, self.tally, self.tick = f"{world.name}/{world.user}", tally, 0
        self.here, self.chances = live(world), (Chance(key), Chance(key))
        self.moment = self.here.reset(tasks[0], self.chances[0])
        for task in tasks[1:]:
            self.there = live(world)
            twin = self.there.reset(task, self.chances[1].at(0))
            self.alike = said_first(twin) == said_first(self.moment)
            if self.alike:
                break
        self.other = self.there._person
        found = [*self._begins(), *(shows(self.moment, twin) if self.alike else ())]
        tally.leaks += [f"{self.name} {tasks[0].key} at first: {one}" for one in found]

    def say(self, text: str) -> None:
        """One turn, held against the rules."""
        before, person = self.here._standing, self.here._person
        self.tick += 1
        self.moment = step(self.here, self.chances[0], self.tick, text)
        heard = self.here._heard[-1]
        reply = person.reply(before, heard.act, heard.draws, heard.useful)
        self.tally.turns[self.name] += 1
        found = [
            *([] if reply.standing == self.here._standing else ["replay: another standing"]),
            *words(person.voice, heard.draws, self.moment),
            *permission(person, before, heard, reply, self.moment),
            *self._difference(before, heard, reply),
            *self._world(text, reply),
        ]
        self.tally.leaks += [f"{self.name} {self.here._task.key} turn {self.tick} {text!r}: {one}" for one in found]

    def _begins(self) -> Iterator[str]:
        """The person begins by telling what it then counts as told."""
        person, told = self.here._person, self.here._begin.told
        for act in person.voice.read(said_first(self.moment)) if isinstance(person.voice, Templates) else ():
            if act.about in person.facts and act.about not in told:
                yield f"permission: {act}, told {sorted(told)}"

    def _difference(self, before: Standing, heard: Heard, reply: Reply) -> Iterator[str]:
        """Of the person alone: somebody else's facts in its place."""
        act, other = heard.act, self.other
        there = other.reply(dataclasses.replace(before, facts=other.facts), act, heard.draws, heard.useful)
        if act is not None and not same_opened(other, act, reply, there):
            return
        if any(what == "volunteered" for what, _ in (*reply.events, *there.events)):
            return
        self.tally.people[self.name] += 1
        if there.acts != reply.acts:
            yield f"difference: {[*map(str, reply.acts)]} against {[*map(str, there.acts)]} of {self.there._task.key}"

    def _world(self, text: str, reply: Reply) -> Iterator[str]:
        """Of the world: what is shown beside the person's words."""
        if not self.alike:
            return
        before, person = self.there._standing, self.there._person
        twin = step(self.there, self.chances[1], self.tick, text)
        heard = self.there._heard[-1]
        there = person.reply(before, heard.act, heard.draws, heard.useful)
        judged = twin.facts["said"] == self.moment.facts["said"] and twin.end == self.moment.end
        revealed = heard.act is not None and not same_opened(person, heard.act, reply, there)
        self.alike = judged and not revealed and self.moment.end is None
        if judged and not revealed:
            self.tally.worlds[self.name] += 1
            yield from shows(self.moment, twin)


def live(world: Conversation) -> Conversation:
    """An object for one more conversation."""
    found = world.live()
    assert isinstance(found, Conversation)
    return found


def said_first(moment: Moment) -> str:
    """The person's words, without what the world shows beside them."""
    return moment.views["agent"][0].text


def shows(here: Moment, there: Moment) -> Iterator[str]:
    """What two worlds show differently, and should not."""
    if (here.views, here.legal) != (there.views, there.legal):
        yield f"world: {here.views} against {there.views}"


def step(world: Conversation, chance: Chance, tick: int, text: str) -> Moment:
    """The next moment, with the draws of its tick."""
    chance.at(tick)
    return world.step({"agent": Message("assistant", text)})


def same_opened(person: Person, act: DialogueAct, here: Reply, there: Reply) -> bool:
    """Whether the rule opens the same facts to both, with the same values."""
    opened = [person.discloses.opens(r.standing.state, act, r.standing.facts) for r in (here, there)]
    one, other = here.standing.facts, there.standing.facts
    return opened[0] == opened[1] and all(one[fact] == other[fact] for fact in opened[0])


def words(voice: Any, draws: Draws, moment: Moment) -> Iterator[str]:
    """The text is what the voice makes of the acts that can be read in it, small talk apart."""
    if not isinstance(voice, Templates):
        return
    text = said_first(moment).strip()
    for aside in voice.asides:
        text = text.removeprefix(aside).strip()
    expected = " ".join(voice.phrases.say(act, draws) for act in voice.read(text))
    if normalised(expected) != normalised(text):  # what is read has lost its capitals
        yield f"words: {text!r} where the acts are {expected!r}"


def permission(person: Person, before: Standing, heard: Heard, reply: Reply, moment: Moment) -> Iterator[str]:
    """All that is told was opened, or told along with what was; and no other fact is named but the one asked about."""
    after = reply.standing
    opened: Sequence[str] = ()
    if heard.act is not None:
        opened = person.discloses.opens(after.state, heard.act, after.facts)
    free = {fact for what, fact in reply.events if what == "volunteered"} if opened else set[str]()
    told: Mapping[str, str] = after.told
    for act in person.voice.read(said_first(moment)) if isinstance(person.voice, Templates) else reply.acts:
        asked = () if act.kind in TELLING or heard.act is None else (heard.act.about,)
        fact = fact_of(act, after)
        if fact is not None and fact not in (*opened, *free, *asked):
            yield f"permission: {act}, opened {opened}"
        if act.kind == "inform" and normalised(told.get(fact or "", "")) != normalised(act.value):
            yield f"permission: {act} where {told.get(fact or '')!r} was told"
    if new := {fact for fact in told if told[fact] != before.told.get(fact)} - {*opened, *free}:
        yield f"permission: told {sorted(new)}, opened {opened}"


def fact_of(act: DialogueAct, standing: Standing) -> str | None:
    """The fact that an act names, whose capitals may have been lost in reading."""
    if not act.about or act.about in standing.facts:
        return act.about or None
    return next((fact for fact in standing.facts if fact.casefold() == act.about), None)


def main(words: Sequence[str] | None = None) -> int:
    """The command; 1 where something leaked."""
    asked = argparse.ArgumentParser(prog="python -m turnwise.bench.secrecy", description="Do people keep secrets?")
    asked.add_argument("--turns", type=int, default=100_000, help="in all, over worlds and people")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--world", action="append", choices=conversations(), help="this one alone; repeatable")
    found = asked.parse_args(words)
    tally = check(found.turns, found.seed, found.world)
    print(tally)
    return 1 if tally.leaks else 0


if __name__ == "__main__":
    raise SystemExit(main())
