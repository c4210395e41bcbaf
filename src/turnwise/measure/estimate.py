"""A measured number with its uncertainty: what every metric returns and every table prints."""

from __future__ import annotations

import math
from dataclasses import dataclass

TOO_MANY_UNSCORED = 0.05
"""Share of unscored rows from which a number carries a warning. Source: specs/evaluate/CONVENTIONS (rule 3)."""


@dataclass(frozen=True)
class Estimate:
    """A mean or a rate, with an interval over the units that were sampled.

    Unscored is not zero: a row without a score is left out of numerator and denominator, and counted. Where
    nothing was scored `value` is None; where no interval can be given (fewer than two clusters) `low`, `high`
    and `se` are None. Rates lie in [0, 1]. A nan handed in becomes None.
    """

    value: float | None  # in the units of the scores
    n: int  # scored rows (episodes)
    low: float | None = None  # lower end of the interval; not clipped to the range of the scores
    high: float | None = None  # upper end
    se: float | None = None  # standard error of `value`
    clusters: int = 0  # units that the interval is computed over: tasks, or groups of tasks that share a template
    unscored: int = 0  # rows left out because they have no score
    method: str = "t"  # how the interval was made
    level: float = 0.95  # coverage that the interval claims

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "se"):
            number = getattr(self, name)
            if number is not None:
                number = float(number)
                object.__setattr__(self, name, None if math.isnan(number) else number)

    @property
    def half_width(self) -> float | None:
        """Half the length of the interval, None without one."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def warning(self) -> str | None:
        """A sentence where more than 5% of the rows are unscored, else None."""
        rows = self.n + self.unscored
        if not rows or self.unscored / rows <= TOO_MANY_UNSCORED:
            return None
        return f"{self.unscored} of {rows} rows are unscored: read it beside its worst and best case"

    def __str__(self) -> str:
        unscored = f", {self.unscored} unscored" if self.unscored else ""
        if self.value is None:
            return f"not scored (n={self.n}{unscored})"
        tasks = f"{self.clusters} task{'s' * (self.clusters != 1)}"
        digits = decimals(self.half_width)
        level = "" if self.level == 0.95 else f" at {100 * self.level:g}%"
        interval = "[no interval]" if self.low is None else f"[{self.low:.{digits}f}, {self.high:.{digits}f}]{level}"
        return f"{self.value:.{digits}f} {interval} (n={self.n}, {tasks}{unscored})"


def decimals(half_width: float | None) -> int:
    """How many decimals are worth printing: down to the first figure of the half width, from two to six."""
    if half_width is None or not half_width > 0 or not math.isfinite(half_width):
        return 2
    return min(6, max(2, -math.floor(math.log10(half_width))))
