"""A table of what is repeated, and of how often an episode comes back from an error where the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from turnwise.core.types import CreditTable, Episode
from turnwise.measure.estimate import Estimate
from turnwise.measure.first_error import DROP, first_drop
from turnwise.measure.intervals import success_rate, task_mean
from turnwise.measure.recovery import recovery_rate
from turnwise.measure.repeats import Step, longest_run, loops, repeat_fraction, steps_of
from turnwise.measure.report.beside import TRUTH, Laid
from turnwise.measure.report.endings import Sides, sides_of
from turnwise.measure.report.page import RATE, RETURN, Picture, Scale, Table, plain
from turnwise.measure.report.record import Record

RATES: Sequence[tuple[str, Callable[[Sequence[Step]], float]]] = (
    ("steps that repeat an earlier one", repeat_fraction),
    ("episodes that loop", lambda steps: float(loops(steps))),
)


def repeats_card(record: Record, laid: Laid | None) -> Picture:
    """Repeat fraction, loop rate, longest run, and the recovery rate of the last evaluation."""
    title, sides = "Repeats and recovery", sides_of(record)
    if not sides:
        return Picture(title, "Not in this run: there are no evaluation episodes.")
    steps = [(name, episodes, [steps_of(e) for e in episodes]) for name, episodes in sides]
    rows = [[what, *(shown(success_rate([f(x) for x in s], tasks(e)), RATE) for _, e, s in steps)] for what, f in RATES]
    runs = [task_mean([float(longest_run(x)) for x in s], tasks(e)) for _, e, s in steps]
    rows.append(["longest run of one step", *(shown(found, RETURN) for found in runs)])
    rows.append(["solved despite an error", *recovered(sides, laid)])
    note = (
        "A step is what was shown last, and what was said to it; counters are left out. An episode loops where more "
        "than half of its steps repeat, or where it ends in a cycle. " + about_errors(laid)
    )
    return Picture(title, note, table=Table(["mean over tasks, 95 % interval", *(name for name, _ in sides)], rows))


def recovered(sides: Sides, laid: Laid | None) -> list[str]:
    """The recovery rate of the episodes whose true advantages are known, a dash for the others."""
    known = truth(laid)
    cells = []
    for _, episodes in sides:
        held = [(e, known[e.id]) for e in episodes if e.id in known]
        errors = [first_drop(advantages) is not None for _, advantages in held]
        found = recovery_rate(errors, [e.success for e, _ in held], tasks([e for e, _ in held])) if held else None
        cells.append("–" if found is None else shown(found, RATE))
    return cells


def truth(laid: Laid | None) -> dict[str, np.ndarray]:
    """Episode id -> true advantages along its first path, float64 [turns]."""
    table = next((t for t in laid.tables if t.name == TRUTH), None) if laid else None
    if laid is None or table is None:
        return {}
    return {e.id: on_path(table, place, e) for place, e in enumerate(laid.episodes) if e.ends}


def on_path(table: CreditTable, place: int, episode: Episode) -> np.ndarray:
    """One episode's numbers on its first path, without those that are none."""
    held = np.array([table.values[place][i] for i in episode.path()], np.float64)
    return held[~np.isnan(held)]


def about_errors(laid: Laid | None) -> str:
    """What an error is, or why none is known."""
    if truth(laid):
        return f"An error is an act that loses more than {plain(DROP, 1)} of the policy's true value."
    return "Errors are known where the exact values of the last evaluation are laid beside it (rule exact)."


def shown(found: Estimate, scale: Scale) -> str:
    """Value and interval."""
    if found.value is None:
        return "not scored"
    return f"{scale.value(found.value, found.half_width)} ({scale.interval(found)})"


def tasks(episodes: Sequence[Episode]) -> list[str]:
    """The task of each."""
    return [e.task.key for e in episodes]
