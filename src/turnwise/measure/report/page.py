"""What a page is made of (sections, pictures, tables), and how numbers are written on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from turnwise.measure.estimate import Estimate, decimals

CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
"""Control characters to the pictures that Unicode has of them: HTML forbids them, and a young policy writes many."""


@dataclass(frozen=True)
class Table:
    """The numbers behind a picture, for people who do not see it and for copying."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Look:
    """An entry of a legend."""

    shape: str  # stroke, full, pale or hatched
    hue: str  # a colour name of svg.py
    label: str


@dataclass(frozen=True)
class Picture:
    """One figure with its legend, its sentence and its table; without `svg` the sentence says what is missing."""

    title: str
    says: str
    svg: Markup | None = None
    table: Table | None = None
    legend: Sequence[Look] = ()


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    says: str  # how to read it, or what is missing
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True)
class Scale:
    """How a measure is written: a rate as percent, a return as it is."""

    rate: bool

    @property
    def factor(self) -> float:
        """What values are multiplied by on an axis."""
        return 100.0 if self.rate else 1.0

    def value(self, number: float | None, half_width: float | None = None) -> str:
        """A value, with the decimals that its interval justifies."""
        if number is None:
            return "–"
        digits = 0 if self.rate else decimals(half_width)
        return plain(number * self.factor, digits) + (" %" if self.rate else "")

    def difference(self, number: float | None, half_width: float | None = None) -> str:
        """A difference, always with its sign."""
        if number is None:
            return "–"
        digits = 0 if self.rate else decimals(half_width)
        return signed(number * self.factor, digits)

    def interval(self, found: Estimate | None) -> str:
        """`low to high`, or that there is none."""
        if found is None or found.low is None or found.high is None:
            return "no interval"
        return f"{self.value(found.low, found.half_width)} to {self.value(found.high, found.half_width)}"

    @property
    def unit(self) -> str:
        """What a difference is counted in."""
        return " points" if self.rate else ""


RATE, RETURN = Scale(True), Scale(False)


def plain(number: float, digits: int) -> str:
    """Fixed decimals, a real minus sign, no negative zero."""
    text = f"{number:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def signed(number: float, digits: int) -> str:
    """As `plain`, with a plus sign where it is positive."""
    text = plain(number, digits)
    return text if text.startswith("−") or float(text) == 0 else f"+{text}"


def short(number: float | None) -> str:
    """A number of unknown size in about three figures, a dash where it is missing."""
    if number is None:
        return "–"
    size = abs(number)
    if size and (size < 1e-3 or size >= 1e5):
        return f"{number:.1e}".replace("-", "−").replace("e−0", "e−").replace("e+0", "e")
    return plain(number, 0 if size >= 100 or number == int(number) else 1 if size >= 10 else 3)


def p_value(p: float) -> str:
    """A p value as people write it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def count(number: int, what: str) -> str:
    """`1 task`, `24 tasks`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}".replace(",", " ")
