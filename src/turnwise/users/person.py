"""A simulated person: hidden facts, a disclosure rule, a voice, and the point at which it leaves (specs/users).

A person is frozen, and so is where a conversation with it stands: `reply` maps one standing and what was heard to the
next. A fork is a copy of a reference, a replay is the same calls again.

A person answers with these acts, and its voice needs words for them:

    inform(fact, value)   tells a fact                     vague(fact, kind)   tells what kind of thing it is
    refuse(fact)          will not, or not yet             acknowledge         heard, and nothing to tell
    unclear               could not read what was said     leave               has had enough
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from turnwise.core.errors import TurnwiseError
from turnwise.users.acts import UNCLEAR, DialogueAct
from turnwise.users.disclosure import Disclosure, Facts
from turnwise.users.draws import Draws
from turnwise.users.knobs import AT_REST, Knobs
from turnwise.users.voice import Voice

ACKNOWLEDGE, LEAVE = DialogueAct("acknowledge"), DialogueAct("leave")
KINDS = ("inform", "vague", "refuse", "acknowledge", "unclear", "leave")
"""What every voice must have words for."""

Acts = tuple[DialogueAct, ...]
Told = Mapping[str, str]
Events = tuple[tuple[str, str], ...]
"""(what a knob did, to which fact)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a conversation with a person stands."""

    facts: Facts  # what is true now: a mind may change
    state: Hashable  # of the disclosure rule
    turn: int = 0  # turns of the agent that were heard
    told: Told = field(default_factory=dict)  # fact -> value as it was said last
    idle: int = 0  # turns without use, in a row
    wasted: int = 0  # turns without use, in all
    left: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person does in a turn."""

    standing: Standing
    acts: Acts
    events: Events = ()


@dataclass(frozen=True)
class Person:
    """Somebody to talk to.

    Args:
        facts: hidden; name -> value, all texts.
        discloses: which facts may be told when.
        voice: acts to words.
        knobs: what makes it harder.
        others: fact -> other values it could have: what a mistake names, and where a changed mind goes.
        kinds: fact -> what a vague answer names in place of the value; "something" where none is given.
        changing: facts that may change.
    """

    facts: Facts
    discloses: Disclosure
    voice: Voice
    knobs: Knobs = AT_REST
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    changing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.knobs.changing and not self.changing:
            raise TurnwiseError(
                f"changing={self.knobs.changing:g} for a person none of whose facts may change", "changing=0"
            )
        if self.knobs.error and not self.others:
            raise TurnwiseError(f"error={self.knobs.error:g} for a person who has no other values to name", "error=0")

    def begin(self) -> Standing:
        """Before anything was said."""
        return Standing(self.facts, self.discloses.start())

    def reply(self, standing: Standing, act: DialogueAct | None, draws: Draws, useful: bool = False) -> Reply:
        """What is done in answer to an act; None is what could not be read.

        Args:
            draws: of this turn.
            useful: whether the world counts the turn as one of use, though nothing new was told.
        """
        facts, events = self._minded(standing.facts, draws)
        state, told = standing.state, standing.told
        acts: Acts = (UNCLEAR,)
        if act is not None:
            state = self.discloses.hear(state, act, facts)
            open_now = self.discloses.opens(state, act, facts)
            if open_now:
                fact = next((name for name in open_now if name not in told), open_now[0])
                acts, told, events = self._tell(facts, told, fact, draws, events)
                if acts[0].kind == "inform" and draws.happens(self.knobs.cooperation, "cooperation"):
                    acts, told, events = self._volunteer(Standing(facts, state, told=told), acts, act, draws, events)
            else:
                acts = self.closed(act, Standing(facts, state, told=told))
        news = any(said.kind == "inform" and standing.told.get(said.about) != said.value for said in acts)
        idle = 0 if useful or news else standing.idle + 1
        left = 0 < self.knobs.patience <= idle
        wasted = standing.wasted + (idle > 0)
        return Reply(
            Standing(facts, state, standing.turn + 1, told, idle, wasted, left), (LEAVE,) if left else acts, events
        )

    def closed(self, act: DialogueAct, standing: Standing) -> Acts:
        """What is said where nothing may be told; a person with something else to say, a belief say, overrides it."""
        kept = act.about in standing.facts and act.about not in standing.told
        return (DialogueAct("refuse", act.about) if kept else ACKNOWLEDGE,)

    def _minded(self, facts: Facts, draws: Draws) -> tuple[Facts, Events]:
        """A mind that may have changed before it answers."""
        if not self.changing or not draws.happens(self.knobs.changing, "changing"):
            return facts, ()
        fact = draws.choice(self.changing, "changing what")
        return self.changed(facts, fact, draws), (("changed", fact),)

    def changed(self, facts: Facts, fact: str, draws: Draws) -> Facts:
        """The facts after a change of mind about one of them; a person whose facts hang together overrides it."""
        value = draws.choice([v for v in self.others[fact] if v != facts[fact]], "changing to")
        return {**facts, fact: value}

    def _tell(self, facts: Facts, told: Told, fact: str, draws: Draws, events: Events) -> tuple[Acts, Told, Events]:
        """A fact that may be told, or what the knobs make of it."""
        knobs, value = self.knobs, facts[fact]
        if draws.happens(knobs.withholding, "withholding"):
            return (DialogueAct("refuse", fact),), told, (*events, ("withheld", fact))
        if draws.happens(knobs.vagueness, "vagueness"):
            vague = DialogueAct("vague", fact, self.vaguely(fact, value))
            return (vague,), told, (*events, ("vague", fact))
        if draws.happens(knobs.error, "error"):
            wrong = [other for other in self.others.get(fact, ()) if other != value]
            if wrong:
                value, events = draws.choice(wrong, "error which"), (*events, ("mistaken", fact))
        return (DialogueAct("inform", fact, value),), {**told, fact: value}, events

    def vaguely(self, fact: str, value: str) -> str:
        """What a vague answer names; a person whose vague answers follow what is true now overrides it."""
        return self.kinds.get(fact, "something")

    def _volunteer(
        self, standing: Standing, acts: Acts, act: DialogueAct, draws: Draws, events: Events
    ) -> tuple[Acts, Told, Events]:
        """A second fact told along with the first."""
        free = self.free(standing, act)
        if not free:
            return acts, standing.told, events
        fact = draws.choice(free, "cooperation which")
        value = standing.facts[fact]
        more = (*acts, DialogueAct("inform", fact, value))
        return more, {**standing.told, fact: value}, (*events, ("volunteered", fact))

    def free(self, standing: Standing, act: DialogueAct) -> list[str]:
        """Facts not told yet that the same question would open; a person may find only some worth telling."""
        state, facts = standing.state, standing.facts
        untold = [name for name in facts if name not in standing.told]
        return [name for name in untold if name in self.discloses.opens(state, DialogueAct(act.kind, name), facts)]
