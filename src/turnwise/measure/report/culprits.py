"""A table of whose fault failures were, where people with rules of their own were talked to."""

from __future__ import annotations

from turnwise.measure.culprits import CULPRITS, culprit_of, culprit_shares
from turnwise.measure.report.endings import sides_of
from turnwise.measure.report.page import RATE, Picture, Table
from turnwise.measure.report.record import Record
from turnwise.measure.report.repeats import shown

SAYS = {
    "agent": "ended it wrongly, or wasted turns",
    "user": "held something back, erred, or changed its mind",
    "world": "something broke",
    "limit": "every turn was of use, and there were too few",
}


def culprits_card(record: Record) -> Picture | None:
    """Share of each culprit in the failures of the evaluations; None where nobody was talked to."""
    sides = [(name, episodes) for name, episodes in sides_of(record) if any(culprit_of(e) for e in episodes)]
    if not sides:
        return None
    shares = [culprit_shares(episodes) for _, episodes in sides]
    rows = [[f"{name}: {SAYS[name]}", *(shown(of[name], RATE) for of in shares)] for name in CULPRITS]
    counts = [str(sum(culprit_of(e) is not None for e in episodes)) for _, episodes in sides]
    rows.append(["failed episodes", *counts])
    says = (
        "Of each failed episode the simulated person's own rules were played again: was it asked, did it tell, was it "
    )
    says += "right? The first that applies is the culprit."
    return Picture("Whose fault failures are", says, table=Table(["culprit", *(name for name, _ in sides)], rows))
