"""What the parts promise each other. Worlds compute, agents wait.

A part is any object with these methods; `needs` names what it cannot work without, and `turnwise.core.pairing` refuses
a pairing that lacks it before the first episode.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from turnwise.core.chance import Chance
from turnwise.core.types import Act, Batch, CreditTable, Episode, Message, Moment, Seat, Signal, Task, Update


@dataclass(frozen=True, slots=True)
class View:
    """What one seat may know when it acts."""

    seat: Seat
    messages: tuple[Message, ...]  # everything the seat sees now, its own messages included (role assistant)
    new: tuple[Message, ...]  # the part of it that came since the seat's last act on this path
    fresh: bool  # True: earlier messages have left the view, so the prompt cannot extend the last one
    tick: int  # world time
    chance_key: int  # the seat's own key for draws at this tick: same path, same key
    legal: tuple[str, ...] | None = None  # the legal texts, where the world lists them
    limits: Mapping[str, float] = field(default_factory=dict)  # what is left: turns, tokens


@runtime_checkable
class World(Protocol):
    """An environment; one object is one live episode. `turnwise.worlds.base.World` gives the defaults."""

    name: ClassVar[str]
    seats: ClassVar[tuple[Seat, ...]]

    def tasks(self, split: str) -> Sequence[Task]: ...
    def reset(self, task: Task, chance: Chance) -> Moment: ...
    def step(self, said: Mapping[Seat, Message]) -> Moment: ...
    def fork(self, chance: Chance) -> World:
        """A copy that keeps the hidden facts: for credit and branching."""
        ...

    def imagine(self, view: View, chance: Chance) -> World:
        """A copy whose hidden facts are drawn anew to fit what the seat has seen: for acting."""
        ...


@runtime_checkable
class Agent(Protocol):
    """Whoever fills a seat."""

    name: str
    slots: tuple[str, ...]  # what a learner may change: weights, prompt, memory, ...

    async def act(self, view: View, carry: Any) -> Act: ...

    def fork(self, carry: Any) -> Any:
        """The private state of a branch; the old one stays as it is."""
        ...

    def close(self, carry: Any) -> None:
        """The path is over: release what the private state holds."""
        ...


class Explorer(Protocol):
    """How episodes are collected."""

    needs: frozenset[str]

    async def collect(self, tasks: Sequence[Task], table: Any) -> list[Episode]: ...


class Feedback(Protocol):
    """Where signal comes from."""

    needs: frozenset[str]

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]: ...


class Credit(Protocol):
    """How signal is spread over turns and tokens."""

    name: str
    needs: frozenset[str]

    def assign(self, episodes: Sequence[Episode], signals: Sequence[Signal], values: Any) -> CreditTable: ...


class Learner(Protocol):
    """What is changed."""

    needs: frozenset[str]

    def learn(self, batch: Batch) -> list[Update]: ...


class Metric(Protocol):
    """A number with its uncertainty."""

    def measure(self, episodes: Sequence[Episode], signals: Iterable[Signal]) -> Mapping[str, Any]: ...
