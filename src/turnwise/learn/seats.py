"""Several seats of one world that learn: whose credit a learner reads, and learners that learn side by side.

A policy may play one seat or several. Each seat has training rows and a credit table of its own, and what one seat
earns never stands in another's table.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, CreditTable, Seat, Update
from turnwise.learn.sequences import Row


def check_seat(rows: Sequence[Row], seat: Seat) -> None:
    """Refuse rows of another seat: what it earns is something else."""
    if others := {row.seat for row in rows} - {seat}:
        raise TurnwiseError(
            f"credit of seat {seat!r} for rows of {', '.join(sorted(others))}",
            f"rows of {seat!r} alone",
            "lay one table for each seat: rows_of(episodes, chat, seat)",
        )


def of_seats(tables: Iterable[CreditTable], seats: Sequence[Seat]) -> CreditTable:
    """The credit of some seats: the one table that speaks of them, or several in one, each turn with its own seat's.

    Raises:
        TurnwiseError: a seat without a table or with two, or tables that cannot be one.
    """
    found = [table for table in tables if table.seat in seats]
    if sorted(table.seat for table in found) != sorted(seats):
        raise TurnwiseError(
            f"credit tables of {', '.join(table.seat for table in found) or 'no seat'}",
            f"one for each seat that learns: {', '.join(seats)}",
            "lay one rule's credit for each of them",
        )
    first, *others = found
    if not others:
        return first
    if {table.unit for table in others} != {first.unit} or any(t.targets or t.critics for t in found):
        raise TurnwiseError(
            f"{' and '.join(table.name for table in found)} for one policy that plays these seats",
            "rules of one unit, turn or token, without critics",
            "choose such rules, or a policy for each seat",
        )
    values = [[_own(cells) for cells in zip(*of, strict=True)] for of in zip(*(t.values for t in found), strict=True)]
    return CreditTable(" + ".join(table.name for table in found), first.unit, values)


def _own(cells: Sequence[Any]) -> Any:
    """The one of a turn's entries that is credit; nan where none is."""
    return next((cell for cell in cells if np.ndim(cell) or not math.isnan(cell)), math.nan)


class SideBySide:
    """Learner: one for each policy, all on the same batch; each reads the credit of its own seats.

    Args:
        learners: by seat; one that plays several seats stands under one of them.
    """

    needs = frozenset({"tokens"})

    def __init__(self, learners: Mapping[Seat, Any]):
        self.learners = dict(learners)

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """The updates of all of them, in order."""
        updates: list[Update] = []
        for number, (seat, learner) in enumerate(self.learners.items()):
            found = learner.learn(batch, self._share(number, progress))
            updates += [dataclasses.replace(update, seat=seat) for update in found]
        return updates

    def _share(self, number: int, progress: Callable[[float], None] | None) -> Callable[[float], None] | None:
        return None if progress is None else lambda share: progress((number + share) / len(self.learners))

    def save(self, directory: Path) -> None:
        """Each in a folder with the name of its seat."""
        for seat, learner in self.learners.items():
            (directory / seat).mkdir()
            learner.save(directory / seat)

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        for seat, learner in self.learners.items():
            learner.load(directory / seat)
