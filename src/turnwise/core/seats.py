"""How things are called that belong to one seat of several: a policy, a credit table, a number."""

from __future__ import annotations

from turnwise.core.types import Seat


def of_seat(name: str, seat: Seat) -> str:
    """A name for what belongs to a seat: `NAME@SEAT`, and of the agent's, which every world has, `NAME`."""
    return name if seat == "agent" else f"{name}@{seat}"
