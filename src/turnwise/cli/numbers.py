"""Estimates and differences as table rows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from turnwise.measure.estimate import Estimate, decimals
from turnwise.measure.paired import PairedDifference


def value(found: Estimate | None) -> str:
    """0.62 [0.55, 0.69]; the counts stand elsewhere."""
    if found is None or found.value is None:
        return "not scored"
    digits = decimals(found.half_width)
    between = "" if found.low is None else f" [dim][{found.low:.{digits}f}, {found.high:.{digits}f}][/]"
    return f"{found.value:.{digits}f}{between}"


def counts(found: Estimate) -> str:
    """How many episodes and tasks, and how many rows have no score."""
    unscored = f", {found.unscored} unscored" if found.unscored else ""
    return f"{found.n} episodes, {found.clusters} tasks{unscored}"


def difference(found: PairedDifference | None, corrected: float | None = None) -> str:
    """+0.31 [+0.22, +0.40], p=0.0004; with a p of its own where several were tested."""
    if found is None:
        return ""
    p_value = found.p if corrected is None else corrected
    if found.low is None:
        return f"{found.difference:+.2f} [dim]({found.note})[/]"
    digits = decimals((found.high - found.low) / 2 if found.high is not None else None)
    p = "p<0.0001" if p_value < 0.0001 else f"p={p_value:.2g}"
    return f"{found.difference:+.{digits}f} [dim][{found.low:+.{digits}f}, {found.high:+.{digits}f}][/], {p}"


def plain_table(*headers: str, right: Sequence[str] = ()) -> Table:
    """A table without lines, its columns by header; those named in `right` hold numbers."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    return table
