"""What a proof step does: sequents of propositional logic without negation, and eight tactics
(specs/worlds/step-proving).

    state     open goals, a line each; a goal is   1 p -> q, 2 p |- q
    tactic    acts on the first goal, which it replaces by none, one or several; the proof is whole when no goal is left

    intro        |- a -> b      : a joins the hypotheses, b is the goal
    split        |- a & b       : a and b are goals of their own
    left, right  |- a | b       : one of the two is the goal
    exact N      N is the goal  : nothing is left of it
    apply N      N is a1 -> .. -> ak -> goal : a1 .. ak are goals instead
    cases N      N is a & b     : both stand for it;    N is a | b : a goal for each
    forward N    N is a -> b and a is a hypothesis : b joins the hypotheses

No tactic makes a formula that is not part of one that is there, and every one of them is sound in intuitionistic logic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from turnwise.core.errors import TurnwiseError

Formula = str | tuple
"""A letter, or (sign, left, right) with the sign `->`, `&` or `|`."""

LETTERS = ("p", "q", "r", "s")
SIGNS = ("->", "&", "|")
WORD = re.compile(r"\s*(->|[&|()]|[a-z])")


class Goal(NamedTuple):
    """Something to be shown under hypotheses, which have numbers from 1 on and are all different."""

    hypotheses: tuple[Formula, ...]
    formula: Formula


def text_of(formula: Formula) -> str:
    """Parts that have parts of their own stand in brackets: (p & q) -> r."""
    if isinstance(formula, str):
        return formula
    sign, left, right = formula
    return f"{_inner(left)} {sign} {_inner(right)}"


def _inner(part: Formula) -> str:
    return part if isinstance(part, str) else f"({text_of(part)})"


def formula_of(text: str) -> Formula:
    """The formula that a text writes; the other way round `text_of`.

    Raises:
        TurnwiseError: it is no formula.
    """
    words = WORD.findall(text)
    formula, rest = _whole(words)
    if rest or "".join(words) != re.sub(r"\s", "", text):
        raise TurnwiseError(f"{text!r} is no formula", "letters, ->, &, | and brackets, such as (p & q) -> r")
    return formula


def _whole(words: Sequence[str]) -> tuple[Formula, Sequence[str]]:
    left, rest = _part(words)
    if not rest or rest[0] not in SIGNS:
        return left, rest
    right, after = _part(rest[1:])
    return (rest[0], left, right), after


def _part(words: Sequence[str]) -> tuple[Formula, Sequence[str]]:
    if not words or words[0] in (*SIGNS, ")"):
        raise TurnwiseError(f"a formula that goes on with {' '.join(words[:3]) or 'nothing'}", "a letter or a bracket")
    if words[0] != "(":
        return words[0], words[1:]
    inside, rest = _whole(words[1:])
    if not rest or rest[0] != ")":
        raise TurnwiseError("a bracket that is not closed", "as many ) as (")
    return inside, rest[1:]


def goal_text(goal: Goal) -> str:
    """1 p -> q, 2 p |- q"""
    known = ", ".join(f"{number} {text_of(h)}" for number, h in enumerate(goal.hypotheses, 1))
    return f"{known} |- {text_of(goal.formula)}".lstrip()


def goal_of(text: str) -> Goal:
    """The other way round."""
    known, _, shown = text.partition("|-")
    parts = [part.strip().partition(" ")[2] for part in known.split(",")] if known.strip() else []
    return Goal(tuple(formula_of(part) for part in parts), formula_of(shown))


def joined(hypotheses: Iterable[Formula], *more: Formula) -> tuple[Formula, ...]:
    """With more of them at the end; one that is there already is not there twice."""
    return tuple(dict.fromkeys((*hypotheses, *more)))


# --- the tactics: what is left of a goal, None where the tactic cannot be used ---


def _intro(goal: Goal) -> tuple[Goal, ...] | None:
    match goal.formula:
        case ("->", a, b):
            return (Goal(joined(goal.hypotheses, a), b),)
    return None


def _split(goal: Goal) -> tuple[Goal, ...] | None:
    match goal.formula:
        case ("&", a, b):
            return Goal(goal.hypotheses, a), Goal(goal.hypotheses, b)
    return None


def _side(number: int) -> Callable[[Goal], tuple[Goal, ...] | None]:
    def of_two(goal: Goal) -> tuple[Goal, ...] | None:
        match goal.formula:
            case ("|", *sides):
                return (Goal(goal.hypotheses, sides[number]),)
        return None

    return of_two


def _exact(goal: Goal, used: Formula) -> tuple[Goal, ...] | None:
    return () if used == goal.formula else None


def _apply(goal: Goal, used: Formula) -> tuple[Goal, ...] | None:
    wanted = []
    while used != goal.formula:
        match used:
            case ("->", a, b):
                wanted.append(Goal(goal.hypotheses, a))
                used = b
            case _:
                return None
    return tuple(wanted) or None


def _cases(goal: Goal, used: Formula) -> tuple[Goal, ...] | None:
    others = [h for h in goal.hypotheses if h != used]
    match used:
        case ("&", a, b):
            return (Goal(joined(others, a, b), goal.formula),)
        case ("|", a, b):
            return Goal(joined(others, a), goal.formula), Goal(joined(others, b), goal.formula)
    return None


def _forward(goal: Goal, used: Formula) -> tuple[Goal, ...] | None:
    match used:
        case ("->", a, b) if a in goal.hypotheses and b not in goal.hypotheses:
            return (Goal(joined(goal.hypotheses, b), goal.formula),)
    return None


OF_GOAL: Mapping[str, Callable[[Goal], tuple[Goal, ...] | None]] = {
    "intro": _intro,
    "split": _split,
    "left": _side(0),
    "right": _side(1),
}
OF_HYPOTHESIS: Mapping[str, Callable[[Goal, Formula], tuple[Goal, ...] | None]] = {
    "exact": _exact,
    "apply": _apply,
    "cases": _cases,
    "forward": _forward,
}
SAID = re.compile(rf"({'|'.join(OF_GOAL)})|({'|'.join(OF_HYPOTHESIS)}) ([1-9]\d?)")


def applied(goal: Goal, tactic: str) -> tuple[Goal, ...] | None:
    """What a tactic leaves of a goal; None where it is no tactic, or cannot be used here."""
    said = SAID.fullmatch(tactic)
    if said is None:
        return None
    if said[1]:
        return OF_GOAL[said[1]](goal)
    number = int(said[3]) - 1
    return OF_HYPOTHESIS[said[2]](goal, goal.hypotheses[number]) if number < len(goal.hypotheses) else None


def usable(goal: Goal) -> dict[str, tuple[Goal, ...]]:
    """Every tactic that can be used here -> what it leaves of the goal."""
    numbers = range(1, min(len(goal.hypotheses), 99) + 1)
    texts = [*OF_GOAL, *(f"{name} {number}" for number in numbers for name in OF_HYPOTHESIS)]
    return {text: left for text in texts if (left := applied(goal, text)) is not None}


def proves(theorem: Goal, tactics: Sequence[str]) -> bool:
    """Whether the tactics, each said to the first open goal, leave nothing open at the last of them and not before."""
    goals: tuple[Goal, ...] = (theorem,)
    for tactic in tactics:
        left = applied(goals[0], tactic) if goals else None
        if left is None:
            return False
        goals = (*left, *goals[1:])
    return not goals
