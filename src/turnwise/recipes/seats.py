"""Parts for recipes in which several seats of one world learn: a policy for each, or one that plays them all.

imitate            in every learning seat the world's demonstrator there -> behaviour cloning of each
evaluate-...       all that learn play together; a seat that nobody learns has the world's companion
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnwise.agents.company import demonstrators, in_company
from turnwise.agents.plain import PlainAgent
from turnwise.agents.spec import SEATS, new_policy, policy_of
from turnwise.core.cursor import Limits
from turnwise.core.errors import WrongPairing
from turnwise.core.progress import Progress
from turnwise.core.protocols import Agent
from turnwise.core.seats import of_seat
from turnwise.core.types import CreditTable, Episode, Seat, Signal
from turnwise.credit.rule import CreditRule
from turnwise.explore import Independent, Table
from turnwise.explore.table import Driver
from turnwise.learn.credited import credit_table
from turnwise.learn.seats import SideBySide
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Setup
from turnwise.recipes.imitate import ImitateSettings, Tables, tables_of

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
    from turnwise.models.policy import Policy


@dataclass(frozen=True)
class Player:
    """A policy and the seats that it plays and learns; the first of them names it."""

    policy: Policy
    seats: tuple[Seat, ...]

    @property
    def seat(self) -> Seat:
        """The seat that names it."""
        return self.seats[0]


def players_of(setup: Setup, seats: Sequence[Seat], together: bool, critic: int = False) -> list[Player]:
    """The policies of some seats of the world, new or as the checkpoint has them; the first is the run's main one.

    Args:
        seats: who learns, the agent first.
        together: one policy plays all of them, told by what each seat is shown.
        critic: value heads of each.

    Raises:
        WrongPairing: the world has not these seats.
    """
    missing = [seat for seat in seats if seat not in setup.world.seats]
    if missing or seats[0] != "agent":
        raise WrongPairing(
            f"learning seats {', '.join(seats)} in {setup.world.name}, where {', '.join(setup.world.seats)} sit",
            "the seats of a world, the agent first",
            "choose a world that has them: turnwise worlds NAME shows its seats",
        )
    groups = [tuple(seats)] if together else [(seat,) for seat in seats]
    return [Player(policy_at(setup, group[0], critic), group) for group in groups]


def policy_at(setup: Setup, seat: Seat, critic: int = False) -> Policy:
    """The policy of a seat; those of two seats begin with different weights."""
    from turnwise.models.policy import Policy
    from turnwise.models.threads import fit_threads

    if setup.checkpoint is not None:
        policy = Policy.load(policy_of(setup.checkpoint, seat))
    else:
        number = setup.world.seats.index(seat)
        policy = new_policy(setup.model, setup.world, setup.seed + (number << 32), value_head=critic)
    fit_threads(policy)
    return policy


@dataclass
class SeatedTables(Tables):
    """Tables at which all that learn play together."""

    players: Sequence[Player] = field(default_factory=tuple)

    def seated(self) -> tuple[dict[Seat, Agent], Driver]:
        """An engine for each policy; whichever drives, all of them step."""
        from turnwise.models.engine import Engine

        engines = [Engine(player.policy) for player in self.players]
        agents: dict[Seat, Agent] = {
            seat: PlainAgent(engine, self.sampling)
            for player, engine in zip(self.players, engines, strict=True)
            for seat in player.seats
        }
        return agents, engines[0].run


def tables_for(setup: Setup, players: Sequence[Player]) -> SeatedTables:
    """The tables that the settings ask for."""
    plain = tables_of(setup, players[0].policy)
    return SeatedTables(plain.setup, plain.policy, plain.sampling, plain.limits, players)


def imitations(setup: Setup, players: Sequence[Player]) -> list[Stage]:
    """The stage `imitate`, for every policy at once: all learning seats are taken by those who are imitated there."""
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings

    s: ImitateSettings = setup.settings
    if not s.demos:
        return []
    how = ImitationSettings(lr=s.demo_lr, epochs=s.demo_epochs, batch=s.demo_batch, batch_tokens=s.batch_tokens)
    learning = {seat for player in players for seat in player.seats}
    shown = {seat: agent for seat, agent in demonstrators(setup.world, s.expert).items() if seat in learning}
    agents, tasks = in_company(setup.world, shown), tasks_in_turn(setup.world.tasks("train"), s.demos, 0)

    def collect(number: int, progress: Progress) -> list[Episode]:
        cut = Limits(turns=s.demo_turns or None)
        table = Table(setup.world, agents, setup.seed, "imitate", number, limits=cut, live=64)
        return table.collect(Independent(), tasks)

    def learner() -> SideBySide:
        return SideBySide({p.seat: Imitation(p.policy, how, setup.seed, p.seats) for p in players})

    return [Stage("imitate", 1, collect, learner)]


def gradients(setup: Setup, players: Sequence[Player], how: PolicyGradientSettings) -> Callable[[], SideBySide]:
    """What makes a policy-gradient learner for every player; those that are left out are frozen."""
    from turnwise.learn.weights.policy_gradient import PolicyGradient

    return lambda: SideBySide({p.seat: PolicyGradient(p.policy, how, setup.seed, p.seats) for p in players})


def tables_of_credit(
    learners: SideBySide, rules: Mapping[Seat, CreditRule], episodes: Sequence[Episode], signals: Sequence[Signal]
) -> list[CreditTable]:
    """For every seat that learns its rule's credit of its own turns; what other seats earn or are told is not in it."""
    found = []
    for learner in learners.learners.values():
        one: PolicyGradient = learner
        for seat in one.seats:
            rows = one.rows(episodes, (seat,))
            found.append(credit_table(rules[seat], episodes, rows, one.values(rows), signals, seat=seat))
    return found


def parts_for(players: Sequence[Player], stages: Sequence[Stage]) -> Parts:
    """Stages with all policies as what they share, and a note of which plays which seat."""
    folders = {player.seat: of_seat("policy", player.seat) for player in players}
    note: dict[str, Any] = {seat: folders[player.seat] for player in players for seat in player.seats}

    def save(to: Path) -> None:
        for player in players:
            player.policy.save(to / folders[player.seat])
        (to / SEATS).write_text(json.dumps(note) + "\n")

    return Parts(stages, save)
