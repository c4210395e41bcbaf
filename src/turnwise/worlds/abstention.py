"""When an agent that may ask or answer answers: the strategies of MediQ, for any world where a confidence can be stated
(specs/users/mediq).

Each is asked before every turn whether it is time to answer, with the confidence of the best answer and the number of
questions asked so far. A world's limit forces an answer besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Strategy(Protocol):
    """Ask or answer."""

    def answers(self, confidence: float, asked: int) -> bool:
        """Whether to answer now.

        Args:
            confidence: probability of the best answer, 0 to 1.
            asked: questions so far.
        """
        ...


@dataclass(frozen=True)
class Fixed:
    """Abstains until so many questions were asked."""

    questions: int

    def answers(self, confidence: float, asked: int) -> bool:
        return asked >= self.questions


@dataclass(frozen=True)
class CutOff:
    """NumericalCutOff: answers at this confidence. 0 never asks, more than 1 never answers."""

    threshold: float = 0.8

    def answers(self, confidence: float, asked: int) -> bool:
        return confidence >= self.threshold


@dataclass(frozen=True)
class Scale:
    """A rating of five levels, a fifth of the confidence each, 1 (below .2) to 5 (from .8): answers at this level."""

    level: float = 4.0

    def answers(self, confidence: float, asked: int) -> bool:
        return min(5, 1 + int(confidence * 5.0)) >= self.level
