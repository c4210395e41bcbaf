"""Influence in hidden-role talk: a message earns how much it moved the others' belief towards the truth.

Listening is the other half: `listening_loss` is what a learner adds on the answers to the surveys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import spread
from turnwise.credit.rule import CreditInput, CreditRule, Unit
from turnwise.credit.shaping import Shaping
from turnwise.credit.turn_gae import TurnGae


def pooled_belief(beliefs_KP: np.ndarray, counted_KP: np.ndarray) -> np.ndarray:
    """B_k = sum over the players counted of the probability they put on the true impostor, (K,).

    Args:
        beliefs_KP: survey k of player p, each a probability.
        counted_KP: True for the living crew, whose beliefs count; the dead give none, the impostor knows. The
            game's code leaves the speaker of the message out as well.

    Source: AAMAS 2025 (arXiv 2502.06060), specs/credit/social-deduction-influence, specs/worlds/social-deduction.
    """
    return np.where(counted_KP, beliefs_KP, 0.0).sum(-1)


def speaking_reward(before_M: np.ndarray, after_M: np.ndarray, side_M: np.ndarray) -> np.ndarray:
    """side * (B_k - B_{k-1}), (M,): side +1 for a speaker of the crew, -1 for the impostor, 0 for nobody's message.

    Summed over a discussion for one side it is B_end - B_0; a message that nobody can read earns 0.
    """
    return side_M * (after_M - before_M)


def first_survey_reward(belief_M: np.ndarray, side_M: np.ndarray) -> np.ndarray:
    """side * (B_0 - 1), (M,): what the first survey of a discussion, which has none before it, adds to task rewards."""
    return side_M * (belief_M - 1.0)


def listening_loss(belief_M: np.ndarray, focal: float = 0.0) -> np.ndarray:
    """-(1 - b)^focal * log b of the probability b put on the true impostor, (M,), in nats; focal 0 as released.

    Raises:
        TurnwiseError: a belief of 0 or below, or above 1: its loss would not be finite.
    """
    belief_M = np.asarray(belief_M, dtype=np.float64)
    if np.any((belief_M <= 0) | (belief_M > 1)):
        bad = belief_M[(belief_M <= 0) | (belief_M > 1)][0]
        raise TurnwiseError(
            f"a belief of {bad}", "probabilities above 0, up to 1", "take them from a softmax over the names"
        )
    return -((1.0 - belief_M) ** focal) * np.log(belief_M)


@dataclass(frozen=True)
class Influence(Shaping):
    """Outcome, task rewards and speaking rewards, then a rule with a critic. speaking = 0: outcome and tasks.

    r_t = outcome * world's reward + task * judged task reward + speaking * side * (B after - B before). Turns that
    are no messages have equal beliefs before and after, hence no speaking reward. Inside a message nothing is
    discounted: the inner rule counts turns (gamma .99, lambda .95 between decisions).
    """

    name: ClassVar[str] = "influence"
    needs: ClassVar[frozenset[str]] = frozenset({"signals", "critic"})
    unit: ClassVar[Unit] = "turn"
    reads_T: ClassVar[tuple[str, ...]] = ("belief-before", "belief-after")
    reads_E: ClassVar[tuple[str, ...]] = ("side",)
    biased: ClassVar[str] = "moving beliefs is paid beside winning, also where it wins nothing"
    before: str = "belief-before"  # name of the pooled belief at the survey before the turn's message
    after: str = "belief-after"  # name of the pooled belief at the survey after it, other speakers not yet heard
    side: str = "side"  # name of an episode's side: 1 the seat is of the crew, -1 the impostor, 0 an onlooker
    tasks: str = ""  # name of the task rewards of turns, first survey included; empty: none are judged
    outcome: float = 1.0  # weight of the world's reward, 1 for each member of the winning side
    task: float = 0.2  # weight of task rewards
    speaking: float = 1.0  # weight of speaking rewards; released: 1.0, the world's sheet: 0.2
    inner: CreditRule = TurnGae(gamma=0.99, lam=0.95)  # turns these rewards into credit

    def bend(self) -> str:
        return type(self).biased if self.speaking or (self.tasks and self.task) else ""

    def shaped(self, x: CreditInput) -> np.ndarray:
        side_T = spread(x.signal(self.side, self.name, of="episode"), x.starts_E1)
        spoken_T = speaking_reward(x.signal(self.before, self.name), x.signal(self.after, self.name), side_T)
        done_T = x.signal(self.tasks, self.name) if self.tasks else 0.0
        return self.outcome * x.rewards_T + self.task * done_T + self.speaking * spoken_T
