"""A world whose other party is one simulated person: what is common to talking with somebody.

A world of this kind says who there is to talk to (`people`), how its agent speaks (`language`), and what an exchange is
worth (`judge`). The person hides its facts and tells them by its own rule; everything else is here: reading what the
agent says, the person's turn, the end, forks, and whose fault a failure was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from turnwise.core.chance import Chance, key_of
from turnwise.core.errors import UnknownName
from turnwise.core.types import End, Message, Moment, Seat, Task
from turnwise.users.acts import DialogueAct
from turnwise.users.culprit import Heard, culprit
from turnwise.users.draws import Draws
from turnwise.users.knobs import Knobs
from turnwise.users.person import Person, Reply, Standing
from turnwise.users.phrases import Phrases
from turnwise.users.voice import Speaker, Templates, in_words_of
from turnwise.worlds.base import World


@dataclass(frozen=True)
class Somebody:
    """A kind of person that a world can be played with.

    Args:
        title: a line for `turnwise users`.
        rule: by which of the disclosure rules it tells what it hides.
        voice: how it speaks, in every task.
        make: world, task and knobs -> the person.
    """

    title: str
    rule: str
    voice: Templates
    make: Callable[[Any, Task, Knobs], Person]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn of the agent and its answer, as somebody reads them who was told nothing else."""

    act: DialogueAct | None  # None at the beginning, and where the words were no act
    answer: tuple[DialogueAct, ...]


@dataclass(frozen=True)
class Outcome:
    """What an exchange came to.

    Args:
        reward: of the agent.
        success: whether the conversation is over, and how it went: True, the person has what it came for; False, the
            agent has ended it wrongly; None: it goes on.
        useful: whether the turn was of use, though nothing new was told.
        said: what the person says in place of what its rule answers; None: that.
        facts: for the record.
    """

    reward: float = 0.0
    success: bool | None = None
    useful: bool = False
    said: tuple[DialogueAct, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Conversation(World):
    """Base of such worlds. Subclasses set the class variables and write `tasks`, `opening`, `judge` and `imagine`.

    Args:
        user: which of the world's people.
        max_turns: turns of the agent.
        patience: turns without use in a row after which the person leaves; 0: it never does.
        vagueness: chance that it names the kind of thing and not the thing.
        error: chance that it names something else by mistake.
        withholding: chance that it does not tell what it could; it may be asked again.
        cooperation: chance that it tells a second thing unasked.
        changing: chance per turn that it changes its mind.
    """

    _speaker: Speaker | None = None
    people: ClassVar[Mapping[str, Somebody]]
    language: ClassVar[Phrases]
    limit_reward: ClassVar[float] = 0.0  # on top, when the turns are spent

    def __init__(
        self,
        user: str,
        max_turns: int,
        patience: int = 0,
        vagueness: float = 0.0,
        error: float = 0.0,
        withholding: float = 0.0,
        cooperation: float = 0.0,
        changing: float = 0.0,
    ):
        if user not in self.people:
            raise UnknownName(f"user of {self.name}", user, self.people)
        Knobs(patience, vagueness, error, withholding, cooperation, changing)  # refused here if ever
        self.user, self.max_turns = user, max_turns
        self.patience, self.vagueness, self.error = patience, vagueness, error
        self.withholding, self.cooperation, self.changing = withholding, cooperation, changing

    @property
    def turns(self) -> int:
        return self.max_turns

    @property
    def knobs(self) -> Knobs:
        """Of the person."""
        return Knobs(self.patience, self.vagueness, self.error, self.withholding, self.cooperation, self.changing)

    def person(self, task: Task) -> Person:
        """Whom one talks to in a task."""
        return self.people[self.user].make(self, task, self.knobs)

    def spoken_by(self, speaker: Speaker) -> Self:
        """The same world, with a language model for the person's voice. What it says is logged, so a record replays
        without it.
        """
        twin = copy.copy(self)
        twin._speaker = speaker
        return twin

    # -- what a world of this kind writes ------------------------------------------------------------------------------

    def opening(self, task: Task, draws: Draws) -> tuple[str, Standing]:
        """What the person says before the agent does, and where the conversation then stands."""
        raise NotImplementedError(f"{type(self).__name__}.opening")

    def judge(self, act: DialogueAct | None, reply: Reply) -> Outcome:
        """What an exchange is worth. `reply` is what the person would answer by its rule; None is what it could not
        read. What the world itself keeps track of is brought up to date here.
        """
        raise NotImplementedError(f"{type(self).__name__}.judge")

    def hear(self, text: str) -> DialogueAct | None:
        """The act that the agent's words are; None where they are none. A world that knows which things there are to
        speak of overrides it, so that a question about nothing is not one.
        """
        return self.language.read(text)

    def meant(self, act: DialogueAct | None) -> DialogueAct | None:
        """What an act comes to at this point of the conversation, where its words leave something to the world."""
        return act

    def status(self) -> str:
        """What the world, not the person, shows before the agent's turn; empty where it shows nothing."""
        return ""

    def ending(self, won: bool) -> Mapping[str, Any]:
        """Facts of an end: the world's metrics (`noted`), a failure counted as their names say."""
        return {}

    def legal(self) -> tuple[str, ...] | None:
        """The texts that are moves now, where that is a short list."""
        return None

    # -- what is common ------------------------------------------------------------------------------------------------

    def reset(self, task: Task, chance: Chance) -> Moment:
        self._task, self._person, self._chance = task, self.person(task), chance
        if self._speaker is not None:
            self._person = in_words_of(self._speaker, self._person)
        text, self._begin = self.opening(task, self._draws(0))
        self._standing, self._heard = self._begin, tuple[Heard, ...]()
        return Moment(self._views(text), ("agent",), legal=self.legal())

    def step(self, said: Mapping[Seat, Message]) -> Moment:
        act, draws = self.meant(self.hear(said["agent"].text)), self._draws(self._standing.turn + 1)
        reply = self._person.reply(self._standing, act, draws)
        outcome = self.judge(act, reply)
        if outcome.useful:
            reply = self._person.reply(self._standing, act, draws, useful=True)
        self._heard, self._standing = (*self._heard, Heard(act, draws, outcome.useful)), reply.standing
        return self._moment(outcome, reply, draws)

    def spoken(self, acts: Sequence[DialogueAct], draws: Draws) -> str:
        """The person's words."""
        voice = self._person.voice
        if self._speaker is None:
            return voice.say(acts, draws)
        return self._chance.outcome("words", lambda: voice.say(acts, draws))

    def _draws(self, turn: int) -> Draws:
        """The person's draws of a turn. Their key is logged, so that the record alone gives the same words again."""
        chance = self._chance
        return Draws(chance.outcome("person", lambda: key_of(chance.key, "person", turn) >> 11), turn)

    def _moment(self, outcome: Outcome, reply: Reply, draws: Draws) -> Moment:
        over = self._over(outcome, reply)
        acts = reply.acts if outcome.said is None or over == "left" else outcome.said
        reward = {"agent": outcome.reward + (self.limit_reward if over == "turns" else 0.0)}
        facts = {
            **outcome.facts,
            "said": [[act.kind, act.about, act.value] for act in acts],
            "events": [list(e) for e in reply.events],
        }
        text = self.spoken(acts, draws)
        if over is None:
            return Moment(self._views(text), ("agent",), reward, self.legal(), facts=facts)
        won = outcome.success is True
        facts |= {"success": won, "user": self.user, "over": over, **self.ending(won)}
        if not won:
            facts["culprit"] = culprit(self._person, self._begin, self._heard, cut=over != "agent")
        return Moment({"agent": (Message("user", text + "\n"),)}, (), reward, end=End.DONE, facts=facts)

    def _over(self, outcome: Outcome, reply: Reply) -> str | None:
        """By whom or what the conversation is over. All of these are the world's own rules, and nothing comes after:
        the value of what follows is 0, and nobody bootstraps.
        """
        if outcome.success is not None:
            return "user" if outcome.success else "agent"
        if reply.standing.left:
            return "left"
        return "turns" if reply.standing.turn >= self.max_turns else None

    def _views(self, text: str) -> dict[Seat, tuple[Message, ...]]:
        status = self.status()
        shown = (Message("user", text + "\n"), *((Message("system", status + "\n"),) if status else ()))
        return {"agent": shown}

    def exchanges(self, messages: Sequence[Message]) -> list[Exchange]:
        """A conversation in view, read: what the agent did and what the person did in answer; the first has no act of
        the agent. Players and `imagine` know no more than this.
        """
        voice, found, act = self.people[self.user].voice, list[Exchange](), None
        for message in messages:
            if message.role == "assistant":
                act = self.hear(message.text)
            elif message.role == "user":
                found.append(Exchange(act, voice.read(message.text)))
                act = None
        return found

    def fork(self, chance: Chance) -> Conversation:
        twin = copy.copy(self)
        twin._chance = chance
        return twin
