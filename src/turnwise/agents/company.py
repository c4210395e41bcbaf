"""Scripted players at the table: who is imitated, and who sits in the seats that nobody was chosen for."""

from __future__ import annotations

from collections.abc import Mapping

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.protocols import Agent
from turnwise.core.types import Seat
from turnwise.worlds.base import World


def expert(world: World, name: str = "", seat: Seat = "agent") -> ScriptedAgent:
    """A scripted player of a seat by name; without a name its demonstrator, whom recipes imitate."""
    demonstrator = world.demonstrator if seat == "agent" else world.demonstrators.get(seat, "")
    return ScriptedAgent(world.expert(name, seat), name or demonstrator)


def in_company(world: World, seated: Mapping[Seat, Agent]) -> dict[Seat, Agent]:
    """Everybody at the table: those who are seated, and in the other seats the world's companions.

    A seat for which the world has no companion stays empty.
    """
    free = [seat for seat in world.seats if seat not in seated and seat in world.companions]
    return {**seated, **{seat: expert(world, world.companions[seat], seat) for seat in free}}


def demonstrators(world: World, name: str = "") -> dict[Seat, Agent]:
    """In every seat the player who is imitated there, the agent by name."""
    return {seat: expert(world, name if seat == "agent" else "", seat) for seat in world.seats if shows(world, seat)}


def shows(world: World, seat: Seat) -> bool:
    """Whether somebody is imitated in a seat."""
    return seat == "agent" or seat in world.demonstrators
