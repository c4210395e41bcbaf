"""A tutor's turn as a record: what the answer was, what is done about it, and where the sub-problem stands.

CLASS and SPOCK let a tutor write such a record before it speaks; an evaluation of the student's answer allows some
actions and no others. Thoughts in a record are never shown to the student. Source: specs/users/class-spock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError

EVALUATIONS: Mapping[str, str] = {
    "a": "incorrect",
    "b": "correct",
    "c": "partly correct",
    "d": "unclear or short",
    "e": "off topic",
    "f": "inquiry",
    "g": "none",
}
ALLOWED: Mapping[str, frozenset[int]] = {
    "a": frozenset({1, 2}),  # point out with a hint; the solution after repeated failure
    "b": frozenset({3}),  # confirm, check completeness
    "c": frozenset({4, 5}),  # acknowledge and correct; the solution after repeated failure
    "d": frozenset({6}),  # ask to clarify
    "e": frozenset({7}),  # lead back
    "f": frozenset({8, 9, 10, 11}),  # a hint, the solution and on, back, something else, as asked
    "g": frozenset({12}),  # nothing
}
SOLVES = frozenset({2, 5, 9})
"""Actions that give the solution of the sub-problem away."""


@dataclass(frozen=True)
class Record:
    """One turn of the tutor.

    Args:
        evaluation: of the student's answer, a to g.
        action: 1 to 12.
        state: of the sub-problem: w none, x in progress, y finished and on to the next, z all are finished.
        subproblem: its number from 0; None where there is none.
        text: what the student hears.
        thoughts: what it does not.
    """

    evaluation: str
    action: int
    state: str
    subproblem: int | None
    text: str
    thoughts: str = ""

    def __post_init__(self) -> None:
        if self.evaluation not in ALLOWED:
            raise TurnwiseError(f"evaluation {self.evaluation!r}", f"one of {', '.join(ALLOWED)}")
        if self.action not in ALLOWED[self.evaluation]:
            allowed = ", ".join(map(str, sorted(ALLOWED[self.evaluation])))
            raise TurnwiseError(
                f"action {self.action} on an answer that is {EVALUATIONS[self.evaluation]}", f"one of {allowed}"
            )
        if self.state not in "wxyz" or len(self.state) != 1:
            raise TurnwiseError(f"state {self.state!r} of a sub-problem", "w, x, y or z")

    @property
    def finishes(self) -> bool:
        """Whether the sub-problem may be over: it was answered rightly, or its solution was given."""
        return self.evaluation == "b" or self.action in SOLVES


def faults(records: Sequence[Record], subproblems: int) -> list[str]:
    """What is wrong with the states of a session, in words; none where it is sound.

    y and z need a right answer or a given solution; z stands just where every sub-problem is finished, and stays.
    """
    found, finished = list[str](), set[int]()
    for number, record in enumerate(records):
        before = len(finished) == subproblems
        if record.state in "yz" and not before:
            if record.subproblem is None or not record.finishes:
                found.append(f"turn {number}: {record.state} without a right answer or a solution")
            else:
                finished.add(record.subproblem)
        every = len(finished) == subproblems
        if every != (record.state == "z"):
            found.append(f"turn {number}: {record.state} with {len(finished)} of {subproblems} finished")
    return found


def shown(records: Sequence[Record]) -> list[str]:
    """What the student hears of them."""
    return [record.text for record in records]


def macro_f1(reference: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean F1 over the labels of the reference, every label included (the released script drops the first)."""
    if len(reference) != len(predicted) or not len(reference):
        raise TurnwiseError(f"{len(predicted)} predictions for {len(reference)} labels", "one each, at least one")
    scores = []
    reference, predicted = list(reference), list(predicted)
    for label in sorted(set(reference)):
        hit = sum(r == p == label for r, p in zip(reference, predicted, strict=True))
        scores.append(2 * hit / (reference.count(label) + predicted.count(label)) if hit else 0.0)
    return float(np.mean(scores))
