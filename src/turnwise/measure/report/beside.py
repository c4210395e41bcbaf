"""One episode under several credit rules, turn by turn, beside the truth where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.types import CreditTable, Episode
from turnwise.measure.report.page import plain, signed
from turnwise.measure.report.transcripts import outcome, turn_credit

SHORT = 60
"""Characters of a reply that a row of the table shows."""

TRUTH = "exact"
"""The rule whose credit is the true advantage; it stands first."""


@dataclass(frozen=True)
class Laid:
    """Several rules' credit for the same episodes."""

    episodes: Sequence[Episode]
    tables: Sequence[CreditTable]  # one per rule, places as in `episodes`
    left_out: Sequence[str] = ()  # why a rule that was asked for is not there, a sentence each


@dataclass(frozen=True)
class Cell:
    """The credit of a turn under one rule."""

    text: str
    strength: float  # -1..1: the colour


@dataclass(frozen=True)
class Row:
    """A turn."""

    said: str
    reward: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Grid:
    """An episode: a row per turn, a column per rule."""

    title: str
    rules: Sequence[str]
    bounds: Sequence[str]  # credit at full colour, per rule: rules have scales of their own
    rows: Sequence[Row]
    agreement: Sequence[str]  # correlation with the truth over all laid episodes, per rule; empty without the truth


def grids(laid: Laid, seat: str = "agent") -> list[Grid]:
    """The first solved and the first failed episode of a task that had both, else the first of each."""
    tables = sorted(laid.tables, key=lambda table: table.name != TRUTH)
    places = {e.id: number for number, e in enumerate(laid.episodes)}
    looks = [{id: (table, place) for id, place in places.items()} for table in tables]
    flat = [
        np.array([c for e in laid.episodes for t in path(e, seat) if (c := turn_credit(e, t, look)) is not None])
        for look in looks
    ]
    bounds = [float(np.quantile(np.abs(column), 0.95)) or 1.0 if len(column) else 1.0 for column in flat]
    told = [agreement(flat[0], column) for column in flat] if tables and tables[0].name == TRUTH else []
    names = [table.name for table in tables]
    return [
        Grid(
            f"Task {e.task.key}: {outcome(e)}",
            names,
            [plain(bound, 2) for bound in bounds],
            [
                Row(
                    shortened(e.turns[t].message.text),
                    signed(e.turns[t].rewards.get(seat, 0.0), 2),
                    [cell(turn_credit(e, t, look), bound) for look, bound in zip(looks, bounds, strict=True)],
                )
                for t in path(e, seat)
            ],
            told,
        )
        for e in chosen(laid.episodes)
    ]


def chosen(episodes: Sequence[Episode]) -> list[Episode]:
    """Two episodes that ended differently, of one task where there is such a task; in the record's order."""
    by_task: dict[str, dict[bool | None, Episode]] = {}
    for episode in episodes:
        by_task.setdefault(episode.task.key, {}).setdefault(episode.success, episode)
    both = next((found for found in by_task.values() if True in found and False in found), None)
    if both is not None:
        return [both[True], both[False]]
    first: dict[bool | None, Episode] = {}
    for episode in episodes:
        first.setdefault(episode.success, episode)
    return list(first.values())[:2]


def path(episode: Episode, seat: str) -> list[int]:
    """The seat's turns on the first path."""
    return [i for i in episode.path() if episode.turns[i].seat == seat] if episode.ends else []


def cell(credit: float | None, bound: float) -> Cell:
    """What the table shows of a credit."""
    if credit is None:
        return Cell("", 0.0)
    return Cell(signed(credit, 2), float(np.clip(credit / bound, -1.0, 1.0)))


def agreement(truth: np.ndarray, credit: np.ndarray) -> str:
    """Pearson's correlation, as text; nothing where one of them never varies."""
    if len(truth) != len(credit) or len(truth) < 2 or not truth.std() or not credit.std():
        return ""
    return f"{np.corrcoef(truth, credit)[0, 1]:.2f}"


def shortened(text: str) -> str:
    """One line of a reply."""
    line = " ".join(text.split())
    return line if len(line) <= SHORT else line[: SHORT - 1] + "…"
