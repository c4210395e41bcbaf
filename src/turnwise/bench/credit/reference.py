"""The reference figures of the benchmark's sheet, and which of a run's figures lie within its pass marks.

The prototype behind them drew other random numbers, so both sides carry noise. Beside the pass mark stands whether the
two differ by more than chance: by more than 1.96 standard errors of the difference, the prototype's error being ours
at its 20 replicates.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

REPLICATES = 20
"""Of the reference figures."""


@lru_cache
def reference() -> dict[str, Any]:
    """{mid: {world: {row: {statistic: value}}}, training: {world: {row: [median episodes or null, final V0]}}}."""
    return json.loads((resources.files("turnwise.bench.credit") / "reference.json").read_text())


@dataclass(frozen=True)
class Entry:
    """One figure of the reference table beside a run's."""

    world: str
    row: str
    statistic: str
    reference: float
    found: float | None
    half_width: float
    within: bool  # its pass mark
    chance: bool  # no further apart than two draws of the same figure are

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return dict(self.__dict__)


def compare(document: Mapping[str, Any]) -> list[Entry]:
    """Every entry of the table that a run covered and the sheet sets a pass mark for."""
    return [
        entry(world, row, statistic, wanted, given["mid"]["rules"][row][statistic], document["replicates"])
        for world, given in document["worlds"].items()
        if "mid" in given
        for row, figures in reference()["mid"].get(world, {}).items()
        if row in given["mid"]["rules"]
        for statistic, wanted in marked(figures, row)
    ]


def compare_training(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The training check beside the reference's; no pass marks are set for it."""
    return [
        {"world": world, "row": row, "reference": given, "found": [rows[row]["episodes"], rows[row]["final"]]}
        for world, rows in document.get("training", {}).items()
        for row, given in reference()["training"].get(world, {}).items()
        if row in rows
    ]


def marked(figures: Mapping[str, float], row: str) -> Iterator[tuple[str, float]]:
    """The statistics with a pass mark; null has one in the oracle's row alone."""
    for statistic, wanted in figures.items():
        if statistic in ("pearson", "sign", "cosine", "snr") or (statistic == "null" and row == "oracle"):
            yield statistic, wanted


def entry(world: str, row: str, statistic: str, wanted: float, figure: list[float] | None, replicates: int) -> Entry:
    """One comparison."""
    found, half = figure or (None, 0.0)
    apart = math.inf if found is None else abs(found - wanted)
    return Entry(
        world,
        row,
        statistic,
        wanted,
        found,
        half,
        within=apart <= mark(world, row, statistic, wanted) + 1e-9,
        chance=apart <= half * math.sqrt(1.0 + replicates / REPLICATES) + 0.5 * last_place(wanted),
    )


def mark(world: str, row: str, statistic: str, wanted: float) -> float:
    """How far off a figure may be: pearson and sign .01 (bit-search .03), cosine .02, SNR a quarter; oracle exact."""
    if statistic == "snr":
        return 0.25 * wanted
    if statistic == "cosine":
        return 0.02
    if row == "oracle":
        return 0.0
    return 0.03 if world == "bit-search" else 0.01


def last_place(wanted: float) -> float:
    """Of a figure printed with three digits."""
    return 10.0 ** (math.floor(math.log10(abs(wanted))) - 2) if wanted else 0.0
