"""Will the next answer be right? A student traced from its answers, and how good the predictions are.

AUC over all answers and per student answer different questions, so both are given. Source:
specs/evaluate/knowledge-tracing-auc. Predictions for an answer use the answers before it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from turnwise.core.errors import TurnwiseError
from turnwise.measure.bootstrap import bootstrap_mean
from turnwise.measure.estimate import Estimate
from turnwise.measure.rows import Ids, encode


@dataclass(frozen=True)
class Skill:
    """The two states of knowing one skill: Bayesian knowledge tracing. All four are chances."""

    known: float  # L before the first answer
    learn: float  # T: of coming to know it after an answer
    guess: float  # G: of a right answer without knowing it
    slip: float  # S: of a wrong answer in spite of knowing it

    def __post_init__(self) -> None:
        for name, chance in vars(self).items():
            if not 0.0 <= chance <= 1.0:
                raise TurnwiseError(f"{name}={chance:g} of a skill", "a chance from 0 to 1")

    def correct(self, known: float) -> float:
        """P(right) = L (1 - S) + (1 - L) G."""
        return known * (1.0 - self.slip) + (1.0 - known) * self.guess

    def answered(self, known: float, right: bool) -> float:
        """L once an answer was seen, before anything is learned from it; an answer that cannot be changes nothing."""
        if right:
            seen, of_known = self.correct(known), known * (1.0 - self.slip)
        else:
            seen, of_known = 1.0 - self.correct(known), known * self.slip
        return of_known / seen if seen > 0.0 else known

    def after(self, known: float, right: bool) -> float:
        """L before the next answer: what the answer says, then what was learned."""
        known = self.answered(known, right)
        return known + (1.0 - known) * self.learn


def predictions(skill: Skill, right: Sequence[bool | int]) -> np.ndarray:
    """P(right) of each answer given those before it, float64 [answers]."""
    known, chances = skill.known, []
    for answer in right:
        chances.append(skill.correct(known))
        known = skill.after(known, bool(answer))
    return np.array(chances)


def auc(scores: Sequence[float] | np.ndarray, right: Sequence[bool | int] | np.ndarray) -> float | None:
    """P(score of a right answer > score of a wrong one) + half P(equal); None where one kind is missing.

    By ranks, ties at their mean: (sum of ranks of the right - n1 (n1 + 1) / 2) / (n1 n0).
    """
    positive = np.asarray(right, bool)
    if len(positive) != len(scores):
        raise TurnwiseError(f"{len(scores)} scores for {len(positive)} answers", "one score per answer")
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if not n1 or not n0:
        return None
    return float((rankdata(scores)[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def pooled_auc(
    scores: np.ndarray, right: np.ndarray, students: Ids, *, rng: np.random.Generator, resamples: int = 400
) -> Estimate:
    """AUC over all answers, which also rewards knowing which students are strong; whole students are resampled."""
    rows = _rows_of(students, len(scores))
    drawn = []
    for _ in range(resamples):
        some = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        value = auc(scores[some], right[some])
        drawn += [value] if value is not None else []
    value = auc(scores, right)
    if len(rows) < 2 or not drawn:
        return Estimate(value, len(scores), clusters=len(rows), method="bootstrap of students")
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(value, len(scores), low, high, float(np.std(drawn)), len(rows), method="bootstrap of students")


def per_student_auc(scores: np.ndarray, right: np.ndarray, students: Ids, *, rng: np.random.Generator) -> Estimate:
    """Mean of the students' own AUCs; a student whose answers are all right or all wrong is unscored."""
    own = [auc(scores[rows], right[rows]) for rows in _rows_of(students, len(scores))]
    return bootstrap_mean(own, range(len(own)), rng=rng)


def cold_start(history: Sequence[int] | np.ndarray, most: int) -> np.ndarray:
    """Answers of students of whom little is known: bool [answers], at most `most` earlier answers."""
    return np.asarray(history) <= most


def log_loss(scores: Sequence[float] | np.ndarray, right: Sequence[bool | int] | np.ndarray) -> float:
    """Mean of -ln P(what was answered), in nats; infinite where that was held impossible."""
    chances = np.asarray(scores, np.float64)
    with np.errstate(divide="ignore"):
        return float(-np.log(np.where(np.asarray(right, bool), chances, 1.0 - chances)).mean())


def review_gain(post: Callable[[int | None], float], recommended: int, items: Sequence[int]) -> float:
    """What a recommended review adds to the chance on the post-test, beyond an item drawn at random.

    Args:
        post: chance of a right answer on the post-test after reviewing an item.
    """
    return post(recommended) - float(np.mean([post(item) for item in items]))


def _rows_of(students: Ids, count: int) -> list[np.ndarray]:
    """The rows of each student."""
    names, codes = encode(students, count, "student")
    return [np.flatnonzero(codes == i) for i in range(len(names))]
