"""The nouns: plain frozen data that every room returns to. No logic beyond checks that lengths agree.

An episode is a tree of turns; a conversation is a path from the root to a leaf. Feedback and credit lie beside the
record, never over it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

Seat = str
"""Who acts: `agent`, `user`, or another name that a world gives to one of its seats."""

ROOT = -1
"""`Turn.parent` of a first turn."""


class End(StrEnum):
    """How a path ended. DONE is terminal; every other ending is a cut, and a cut may bootstrap."""

    DONE = "done"  # the world says that it is over: nothing comes after, the value of what follows is 0
    TURNS = "turns"  # the turn budget of the explorer was spent
    TOKENS = "tokens"  # the token budget of the episode was spent
    TIME = "time"  # the time budget was spent
    COST = "cost"  # the cost budget was spent
    LEFT = "left"  # somebody walked away before the world was over
    REFUSED = "refused"  # the agent declined to go on
    ERROR = "error"  # something broke; `Leaf.error` names the boundary crossed

    @property
    def terminal(self) -> bool:
        """True when the value after the ending is zero by definition."""
        return self is End.DONE


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said."""

    role: str  # who says it in the eyes of the reader: system, user, assistant or tool
    text: str  # exactly as said, trailing white space included
    calls: tuple[Mapping[str, Any], ...] = ()  # tool calls, each {name, arguments}
    writer: str | None = None  # which agent, person or world wrote it, where that is not the role


@dataclass(frozen=True, slots=True)
class Task:
    """All that a reset needs, hidden facts included."""

    key: str  # unique inside the world; episodes of one task share it; intervals are clustered by it
    world: str  # the registered name of the world
    params: Mapping[str, Any] = field(default_factory=dict)  # JSON values only
    split: str = "train"  # train or eval


@dataclass(frozen=True, slots=True)
class Moment:
    """What a world returns: everything that happened up to the next decision."""

    views: Mapping[Seat, tuple[Message, ...]]  # NEW messages per seat since its last moment
    to_act: tuple[Seat, ...]  # whose move it is; empty when the world is over
    rewards: Mapping[Seat, float] = field(default_factory=dict)  # earned since the last moment, in the world's units
    legal: tuple[str, ...] | None = None  # the exact texts that whoever has the move may say, if a short list
    end: End | None = None  # how the world ended, or None while it goes on
    facts: Mapping[str, Any] = field(default_factory=dict)  # JSON; for measures, never shown (`success` at the end)
    keep: Mapping[Seat, int] = field(
        default_factory=dict
    )  # per seat: only its last k messages stay in view, these included
    legal_of: Mapping[Seat, tuple[str, ...]] = field(
        default_factory=dict
    )  # instead of `legal`, where several seats have the move and each has a list of its own

    def __post_init__(self) -> None:
        if (self.end is None) != bool(self.to_act):
            raise ValueError(f"a moment goes on (to_act) or ends (end): got to_act={self.to_act}, end={self.end}")

    def legal_for(self, seat: Seat) -> tuple[str, ...] | None:
        """What a seat may say now; None where there is no list, or the move is not its own."""
        return self.legal_of.get(seat, self.legal) if seat in self.to_act else None


@dataclass(frozen=True, slots=True)
class Tokens:
    """The exact ids of one turn, as read and as sampled; never rebuilt from text."""

    prompt: np.ndarray  # int32 [P]: ids read before the reply that no earlier turn of the row holds
    reply: np.ndarray  # int32 [R]: ids of the reply
    logprobs: np.ndarray  # float32 [R]: natural logarithm, under the law sampled from; 0 where forced
    sampled: np.ndarray  # bool [R]: True where the policy drew the id, False where it was forced
    versions: tuple[
        tuple[int, int, int], ...
    ] = ()  # spans (version, start, end) over the reply: weights can change inside it

    def __post_init__(self) -> None:
        if not len(self.reply) == len(self.logprobs) == len(self.sampled):
            lengths = len(self.reply), len(self.logprobs), len(self.sampled)
            raise ValueError(f"reply, logprobs and sampled differ in length: {lengths}")


@dataclass(frozen=True, slots=True)
class Act:
    """What an agent returns."""

    message: Message
    carry: Any = None  # the agent's private state after this act; forked with the world, never stored
    tokens: Tokens | None = None  # None when no model of ours wrote it
    cost: Mapping[str, float] = field(default_factory=dict)  # by name: seconds, dollars, calls
    version: int = 0  # which weights (or which text) the agent had


@dataclass(frozen=True, slots=True)
class Turn:
    """A node of the episode: what one seat saw, what it did, what that earned."""

    parent: int  # index of the turn before in `Episode.turns`, ROOT for a first turn
    tick: int  # world time at which the seat acted, counted from 0
    seat: Seat
    seen: tuple[Message, ...]  # what the seat saw since its own last turn on this path; the whole view where `fresh`
    message: Message  # what it said
    rewards: Mapping[Seat, float]  # per seat, earned between this act and the next moment
    tokens: Tokens | None = None
    cost: Mapping[str, float] = field(default_factory=dict)
    version: int = 0  # weights that acted
    fresh: bool = False  # True: its prompt does not extend the seat's last turn, so a new training row starts here
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the world noted after the act (state, draws), hidden


@dataclass(frozen=True, slots=True)
class Leaf:
    """The end of one path."""

    turn: int  # index of the last turn of the path, ROOT if nobody got to act
    end: End
    seen: Mapping[Seat, tuple[Message, ...]] = field(default_factory=dict)  # what was shown after the last turn
    facts: Mapping[str, Any] = field(default_factory=dict)  # `success` where the world knows it
    error: str | None = None  # with End.ERROR: the boundary crossed and the message
    fresh: tuple[
        Seat, ...
    ] = ()  # seats whose view lost earlier messages after their last turn; their `seen` is the whole view


@dataclass(frozen=True, slots=True)
class Episode:
    """A tree of turns, never edited."""

    id: str  # unique inside a run: round/task/member
    task: Task
    turns: tuple[Turn, ...]  # a parent stands before its children
    ends: tuple[Leaf, ...]  # one per leaf, in the order in which they ended
    origin: Mapping[str, Any] = field(default_factory=dict)  # who made it: agent, explorer, round, member, seed

    def path(self, leaf: int = 0) -> list[int]:
        """Indices of the turns from the root to the leaf with number `leaf`."""
        node, back = self.ends[leaf].turn, []
        while node != ROOT:
            back.append(node)
            node = self.turns[node].parent
        return back[::-1]

    def total(self, seat: Seat = "agent", leaf: int = 0) -> float:
        """Return: the sum of a seat's rewards along one path, in the world's units."""
        return float(sum(self.turns[i].rewards.get(seat, 0.0) for i in self.path(leaf)))

    def succeeded(self, leaf: int = 0) -> bool | None:
        """Whether a path succeeded, None where the world does not say or the path broke (unscored)."""
        found = self.ends[leaf].facts.get("success")
        return None if found is None or self.ends[leaf].end is End.ERROR else bool(found)

    @property
    def success(self) -> bool | None:
        """Whether the first path succeeded; see `succeeded`."""
        return self.succeeded()


@dataclass(frozen=True, slots=True)
class Signal:
    """A piece of feedback, beside the record."""

    episode: str
    name: str  # what is scored
    turn: int | None = None  # None: the whole path
    leaf: int = 0
    seat: Seat = "agent"
    value: float | None = None  # None: without a number, which is not zero
    text: str | None = None
    source: str = ""  # who judged
    better_than: str | None = None  # id of an episode that this one was preferred to


@dataclass(frozen=True, slots=True)
class CreditTable:
    """One rule's credit for one batch: a number per turn, or per token of a turn's reply."""

    name: str
    unit: str  # turn or token
    values: Sequence[Sequence[Any]]  # [episode][turn]: float, or float32 [R] per token; nan: none, as for other seats
    targets: Sequence[Sequence[Any]] | None = None  # same layout: what a critic should say; None without a critic
    critics: Sequence[CreditTable] = ()  # one per critic where there are several: its own credit and its targets
    seat: Seat = "agent"  # whose turns it speaks of; the others' have none (nan)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a learner gets: the record, the feedback, and any number of credits on the same episodes."""

    episodes: Sequence[Episode]
    signals: Sequence[Signal] = ()
    credit: Mapping[str, CreditTable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """What a learner changed in one slot of an agent."""

    slot: str  # weights, prompt, memory, ...
    before: int  # version before
    after: int  # version after
    change: Mapping[str, float] = field(default_factory=dict)  # numbers to average: loss, gradient norm, entropy, ...
    why: str = ""
    seat: Seat = "agent"  # whose slot, where several agents learn
