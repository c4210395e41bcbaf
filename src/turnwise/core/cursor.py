"""A live point in an episode that can go on or fork, and the one loop that plays it.

Every way of collecting episodes, playing by hand and evaluating goes through `play`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turnwise.core.chance import Chance, key_of
from turnwise.core.errors import TurnwiseError
from turnwise.core.protocols import Agent, View, World
from turnwise.core.types import ROOT, Act, End, Episode, Leaf, Message, Moment, Seat, Task, Turn


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one path; spending one cuts the episode there, and what was played is kept."""

    turns: int | None = None  # acts of the seat `agent`
    tokens: int | None = None  # ids read and written by the seat `agent`

    def __post_init__(self) -> None:
        for name in ("turns", "tokens"):
            if (most := getattr(self, name)) is not None and most < 1:
                raise TurnwiseError(f"a budget of {most} {name}", "1 or more, or None for no limit")

    def spent(self, turns: int, tokens: int) -> End | None:
        """The budget that is used up, turns first."""
        if self.turns is not None and turns >= self.turns:
            return End.TURNS
        if self.tokens is not None and tokens >= self.tokens:
            return End.TOKENS
        return None


@dataclass(slots=True)
class Tree:
    """The record while it grows: shared by all forks of one episode."""

    turns: list[Turn] = field(default_factory=list)
    ends: list[Leaf] = field(default_factory=list)


@dataclass(slots=True)
class SeatState:
    """What one seat sees and carries on one path."""

    messages: list[Message] = field(default_factory=list)  # in view
    new: list[Message] = field(default_factory=list)  # since the seat's last act
    fresh: bool = False  # something has left the view since the last act
    carry: Any = None

    def seen(self) -> tuple[Message, ...]:
        """What the record says the seat saw: the new part, or the whole view where the old part has left it."""
        return tuple(self.messages if self.fresh else self.new)


class Cursor:
    """A live point in an episode.

    Args:
        world: a live world (`World.live()`), not yet reset.
        task: what to reset it to.
        chance: the draws of this episode.
        limits: budgets of the path.
    """

    def __init__(self, world: World, task: Task, chance: Chance, limits: Limits | None = None):
        self.world, self.task, self.chance, self.limits = world, task, chance, limits or Limits()
        self.tree, self.node, self.tick = Tree(), ROOT, 0
        self.turns_taken = self.tokens_used = 0
        self.seats: dict[Seat, SeatState] = {seat: SeatState() for seat in world.seats}
        self.moment: Moment | None = None
        self.start_draws: list[list[Any]] = []

    @property
    def open(self) -> bool:
        """Whether somebody still has a move."""
        return self.moment is not None and self.moment.end is None

    def begin(self) -> None:
        """Reset the world; a world that fails here leaves an episode without turns, and the reason."""
        try:
            moment = self.world.reset(self.task, self.chance)
        except Exception as error:  # noqa: BLE001 - a broken world is data, and the batch goes on
            self.cut(End.ERROR, f"world.reset: {type(error).__name__}: {error}")
            return
        self.start_draws = [list(draw) for draw in self.chance.log]  # JSON has no tuples
        self._show(moment)

    def view(self, seat: Seat) -> View:
        """What the seat may know now."""
        state, moment = self.seats[seat], self.moment
        left = {} if self.limits.turns is None else {"turns": self.limits.turns - self.turns_taken}
        return View(
            seat=seat,
            messages=tuple(state.messages),
            new=tuple(state.new),
            fresh=state.fresh,
            tick=self.tick,
            chance_key=key_of(self.chance.key, "seat", seat, self.tick),
            legal=moment.legal_for(seat) if moment else None,
            limits=left,
        )

    def take(self, acts: Mapping[Seat, Act]) -> None:
        """Record what the seats did and let the world answer."""
        self.chance.at(self.tick + 1)
        try:
            moment = self.world.step({seat: act.message for seat, act in acts.items()})
        except Exception as error:  # noqa: BLE001 - see begin
            self._record(acts, Moment(views={}, to_act=tuple(acts)))
            self.cut(End.ERROR, f"world.step: {type(error).__name__}: {error}")
            return
        self._record(acts, moment)
        self._show(moment)
        if self.open and (spent := self.limits.spent(self.turns_taken, self.tokens_used)):
            self.cut(spent)

    def cut(self, end: End, error: str | None = None) -> None:
        """End the path here for a reason that is not the world's."""
        self._leaf(end, dict(self.moment.facts) if self.moment else {}, error)
        self.moment = Moment(views={}, to_act=(), end=end)

    def fork(self, member: Any, agents: Mapping[Seat, Agent]) -> Cursor:
        """A second path from here: same past, same hidden facts, draws of its own from now on."""
        twin = object.__new__(Cursor)
        vars(twin).update(vars(self))
        twin.chance = self.chance.fork(member)
        twin.world = self.world.fork(twin.chance)
        twin.seats = {
            seat: SeatState(
                list(s.messages), list(s.new), s.fresh, agents[seat].fork(s.carry) if seat in agents else None
            )
            for seat, s in self.seats.items()
        }
        return twin

    def close(self, agents: Mapping[Seat, Agent]) -> None:
        """Let the agents release what they carry on this path."""
        for seat, agent in agents.items():
            agent.close(self.seats[seat].carry)
            self.seats[seat].carry = None

    def episode(self, id: str, origin: Mapping[str, Any]) -> Episode:
        """The record of this path and all its forks."""
        draws = {"draws": self.start_draws} if self.start_draws else {}
        return Episode(id, self.task, tuple(self.tree.turns), tuple(self.tree.ends), {**origin, **draws})

    def _show(self, moment: Moment) -> None:
        for seat, messages in moment.views.items():
            state = self.seats[seat]
            state.messages.extend(messages)
            state.new.extend(messages)
        for seat, k in moment.keep.items():
            state = self.seats[seat]
            if len(state.messages) > k:
                del state.messages[: len(state.messages) - k]
                del state.new[: max(0, len(state.new) - k)]
                state.fresh = True
        self.moment = moment
        if moment.end is not None:
            self._leaf(moment.end, moment.facts)

    def _leaf(self, end: End, facts: Mapping[str, Any], error: str | None = None) -> None:
        seen = {seat: state.seen() for seat, state in self.seats.items() if state.new or state.fresh}
        fresh = tuple(seat for seat, state in self.seats.items() if state.fresh)
        self.tree.ends.append(Leaf(self.node, end, seen, facts, error, fresh))

    def _record(self, acts: Mapping[Seat, Act], moment: Moment) -> None:
        """One node per act; a seat's reward sits on its own act, the rewards of seats that did not act on the last."""
        facts: dict[str, Any] = dict(moment.facts)
        if self.chance.log:
            facts["draws"] = [list(draw) for draw in self.chance.log]
        for number, (seat, act) in enumerate(acts.items(), 1):
            state, last = self.seats[seat], number == len(acts)
            earned = {s: r for s, r in moment.rewards.items() if s == seat or (last and s not in acts)}
            seen, fresh = state.seen(), state.fresh
            self.tree.turns.append(
                Turn(
                    self.node,
                    self.tick,
                    seat,
                    seen,
                    act.message,
                    earned,
                    act.tokens,
                    act.cost,
                    act.version,
                    fresh,
                    facts if last else {},
                )
            )
            self.node = len(self.tree.turns) - 1
            state.messages.append(act.message)
            state.new, state.fresh, state.carry = [], False, act.carry
            if seat == "agent":
                self.turns_taken += 1
                if act.tokens is not None:
                    self.tokens_used += len(act.tokens.prompt) + len(act.tokens.reply)
        self.tick += 1


async def play(cursor: Cursor, agents: Mapping[Seat, Agent]) -> Cursor:
    """Play one path to its end. An agent that breaks cuts the path with End.ERROR; what was played is kept."""
    if cursor.moment is None:
        cursor.begin()
    try:
        while cursor.open:
            acts = await ask(cursor, agents)
            if acts is not None:
                cursor.take(acts)
    finally:
        cursor.close(agents)
    return cursor


async def ask(cursor: Cursor, agents: Mapping[Seat, Agent]) -> dict[Seat, Act] | None:
    """The acts of all seats whose move it is; None if one of them broke or left and the path was cut."""
    to_act = cursor.moment.to_act if cursor.moment else ()
    try:
        if len(to_act) == 1:
            seat = to_act[0]
            return {seat: await agents[seat].act(cursor.view(seat), cursor.seats[seat].carry)}
        return await ask_together(cursor, agents, to_act)
    except Leave as leave:
        cursor.cut(leave.end)
    except Exception as error:  # noqa: BLE001 - see Cursor.begin
        cursor.cut(End.ERROR, f"agent.act: {type(error).__name__}: {error}")
    return None


async def ask_together(cursor: Cursor, agents: Mapping[Seat, Agent], to_act: Sequence[Seat]) -> dict[Seat, Act]:
    """The acts of several seats at once.

    All are awaited even if one breaks, since an agent that is still at work cannot be closed; what the others carry
    by then is kept for closing.
    """
    players = [agents[seat] for seat in to_act]
    views = [(cursor.view(seat), cursor.seats[seat].carry) for seat in to_act]
    asked = (player.act(*view) for player, view in zip(players, views, strict=True))
    said = dict(zip(to_act, await asyncio.gather(*asked, return_exceptions=True), strict=True))
    acts = {seat: act for seat, act in said.items() if not isinstance(act, BaseException)}
    for seat, act in acts.items():
        cursor.seats[seat].carry = act.carry
    for broken in said.values():
        if isinstance(broken, BaseException):
            raise broken
    return acts


class Leave(Exception):
    """Raised by an agent that stops on purpose: a person who quits (LEFT), a budget spent (TOKENS, COST), a refusal."""

    def __init__(self, end: End = End.LEFT):
        super().__init__(end.value)
        self.end = end
