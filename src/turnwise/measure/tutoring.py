"""Teaching against telling: is the answer reached, and had the teacher said it first (specs/users/mathdial)?

    s = utterances of the student before the first one with the answer, t = the same of the teacher; infinite if none
    success@k = [s <= k]      telling@k = [t <= min(s, k)]

The student's utterance number 0 is its wrong solution. Any number counts, so an exercise whose answer stands in its own
question, or is as small as the number of a step, measures nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import success_rate
from turnwise.measure.rows import Ids

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
TOLERANCE = 1e-7


def numbers(text: str) -> list[float]:
    """Every number that is written in digits, commas removed; a minus counts where no digit stands before it."""
    found = (m[0] if not text[: m.start()].rstrip()[-1:].isdigit() else m[0].lstrip("-") for m in NUMBER.finditer(text))
    return [float(number.replace(",", "")) for number in found]


def mentions(text: str, gold: float) -> bool:
    """Whether any number in the text is the answer, within 1e-7."""
    return any(abs(number - gold) < TOLERANCE for number in numbers(text))


def said_after(utterances: Sequence[str], gold: float) -> float:
    """How many utterances come before the first with the answer; infinite where none has it."""
    return next((float(at) for at, text in enumerate(utterances) if mentions(text, gold)), math.inf)


def success_at(student: Sequence[str], gold: float, k: int) -> bool:
    """Whether the student has reached the answer after k exchanges."""
    return said_after(student, gold) <= check_k(k)


def telling_at(student: Sequence[str], teacher: Sequence[str], gold: float, k: int) -> bool:
    """Whether the teacher said the answer within k exchanges, no later than the student."""
    return told_first(said_after(student, gold), said_after(teacher, gold), k)


def told_first(reached: float, told: float, k: int) -> bool:
    """The same from the two counts; where nobody says the answer, nobody told it."""
    return math.isfinite(told) and told <= min(reached, check_k(k))


def tutoring_curves(
    reached: Sequence[float | None], told: Sequence[float | None], tasks: Ids, most: int = 7, *, level: float = 0.95
) -> dict[str, list[Estimate]]:
    """`success` and `telling` at k = 1..most, with intervals clustered by task. A dialogue that failed counts in both.

    Args:
        reached: s of each dialogue, None where the student never said the answer.
        told: t of each dialogue, None where the teacher never did.
    """
    s, t = (np.array([math.inf if x is None else x for x in counts], np.float64) for counts in (reached, told))
    if len(s) != len(t) or not len(s):
        raise TurnwiseError(f"{len(s)} counts of students for {len(t)} of teachers", "one of each per dialogue")
    curves: dict[str, list[Estimate]] = {"success": [], "telling": []}
    for k in range(1, check_k(most) + 1):
        scored = {"success": s <= k, "telling": np.isfinite(t) & (t <= np.minimum(s, k))}
        for name, column in scored.items():
            curves[name].append(success_rate(column.astype(np.float64), tasks, level=level))
    return curves


def check_k(k: int) -> int:
    """A number of exchanges, 0 or more."""
    if k < 0:
        raise TurnwiseError(f"k={k}", "a number of exchanges, 0 or more")
    return k
