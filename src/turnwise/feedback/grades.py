"""Grades of a reply: given by an exact checker, or the policy's own belief in each of them (specs/learn/itool).

    R = ( 1 P(A) + 0.1 P(B) - 1 P(C) - 2 P(D) ) / 4          A excellent, B acceptable, C fair, D poor

An exact checker that reads the parts of a reply grades each of them A or D: the probabilities are the shares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from turnwise.core.types import Message

GRADES = "ABCD"
WEIGHTS = np.array([1.0, 0.1, -1.0, -2.0]) / 4.0
QUESTION = """How good is this reply beside the right one?
right: {answer}
Look at the functions, how many parameters, their names, their values, and how close it comes to the right one;
a part of the right one is excellent. A excellent, B acceptable, C fair, D poor."""

Score = Callable[[Sequence[Sequence[Message]], Sequence[Sequence[str]]], list[np.ndarray]]
"""Views and the options of each -> the probability of each option, as `PlainAgent.score` gives it."""


def worth(probabilities: Sequence[float] | np.ndarray) -> float:
    """R of the probabilities of A, B, C and D: 0.25 for a certain A, -0.5 for a certain D."""
    return float(np.asarray(probabilities, np.float64) @ WEIGHTS)


def worth_of_share(right: float) -> float:
    """R of a reply of which an exact checker finds a share right."""
    return worth([right, 0.0, 0.0, 1.0 - right])


def own_opinion(score: Score, view: Sequence[Message], reply: str, answer: str) -> float:
    """R by what a policy thinks of a reply."""
    asked = (*view, Message("assistant", reply), Message("user", QUESTION.format(answer=answer)))
    return worth(score([asked], [tuple(GRADES)])[0])
