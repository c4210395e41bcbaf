"""What the answers so far say of the condition: the exact posterior under the rule that draws the patients.

A group is a question and those that follow it up; given the condition, groups are independent of each other:

    P(answers of a group | d) = c_d(parent) f(parent | +) prod over children [c_d f(child | +) + (1 - c_d) f(child | -)]
                                + (1 - c_d(parent)) f(parent | -) prod over children f(child | -)

with c_d the chance of an evidence under d (1 for the parent that is the first complaint), and f(answer | truth) =
1 - error where the answer is right, else error. Values beyond present or absent are drawn alike under every condition
and say nothing. Source: specs/users/ddxplus ("exact Bayes under the same rule").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from turnwise.worlds.interview_patients import Law, Patient, value_of

LEAST = 1e-12
"""An answer is wrong with at least this chance, so that no conversation is impossible."""

Answers = tuple[tuple[str, bool], ...]
"""(evidence, whether it was answered to be present), as they were heard."""


@dataclass(frozen=True)
class Belief:
    """What was heard from a patient."""

    law: Law
    first: str  # complaint that the patient came with
    answers: Answers = ()
    error: float = 0.0  # chance that an answer is wrong

    def hear(self, name: str, present: bool) -> Belief:
        """One more answer."""
        return Belief(self.law, self.first, (*self.answers, (name, present)), self.error)

    @property
    def history(self) -> list[Belief]:
        """What was believed from the first complaint on, this belief last."""
        return [Belief(self.law, self.first, self.answers[:n], self.error) for n in range(len(self.answers) + 1)]

    @property
    def posterior(self) -> np.ndarray:
        """float64 [D]: chance of each condition; sums to 1."""
        return _posterior(self)

    @property
    def asked(self) -> frozenset[str]:
        """Evidences that are known: those asked about, and the first complaint."""
        return frozenset((self.first, *(name for name, _ in self.answers)))

    def group(self, parent: str) -> Answers:
        """The answers to a question and to those that follow it up."""
        of = self.law.tables.evidences
        return tuple(answer for answer in self.answers if of[answer[0]].parent == parent)


def entropy(chances: np.ndarray) -> float:
    """In nats, float."""
    some = chances[chances > 0.0]
    return float(-(some @ np.log(some)))


@lru_cache(maxsize=1 << 16)
def _posterior(belief: Belief) -> np.ndarray:
    weights = _weights(belief)
    found = weights / weights.sum()
    found.flags.writeable = False
    return found


@lru_cache(maxsize=1 << 16)
def _weights(belief: Belief) -> np.ndarray:
    """float64 [D]: posterior before it is made to sum to 1; each answer replaces the factor of its own group."""
    if not belief.answers:
        return first_chances(belief.law, belief.first) + LEAST
    before = Belief(belief.law, belief.first, belief.answers[:-1], belief.error)
    parent = belief.law.tables.evidences[belief.answers[-1][0]].parent
    new, old = (sum(factors(one, parent)) for one in (belief, before))
    weights = _weights(before) * new / old
    return weights / weights.max()


@lru_cache(maxsize=1 << 12)
def first_chances(law: Law, first: str) -> np.ndarray:
    """float64 [D]: chance that somebody with each condition comes with a complaint."""
    may = [law.tables.complaints(condition) for condition in law.tables.conditions]
    return np.array([(first in names) / max(1, len(names)) for names in may])


@lru_cache(maxsize=1 << 12)
def chances(law: Law, name: str) -> np.ndarray:
    """float64 [D]: chance of an evidence under each condition, where the question that it follows up is present."""
    return np.array([law.chance(condition, name) for condition in law.tables.conditions])


def factors(belief: Belief, parent: str) -> tuple[np.ndarray, np.ndarray]:
    """float64 [D] twice: chance of a group's answers together with the parent being present, and absent."""
    return _factors(belief.law, parent, belief.group(parent), belief.error, parent == belief.first)


@lru_cache(maxsize=1 << 15)
def _factors(law: Law, parent: str, answers: Answers, error: float, sure: bool) -> tuple[np.ndarray, np.ndarray]:
    wrong = max(error, LEAST)

    def fit(name: str, truth: bool) -> float:
        return prod(1.0 - wrong if heard == truth else wrong for asked, heard in answers if asked == name)

    own = np.ones(len(law.tables.conditions)) if sure else chances(law, parent)
    present, absent = own * fit(parent, True), (1.0 - own) * fit(parent, False)
    for child in {name for name, _ in answers} - {parent}:
        c = chances(law, child)
        present = present * (c * fit(child, True) + (1.0 - c) * fit(child, False))
        absent = absent * fit(child, False)
    return present, absent


def presence(belief: Belief) -> np.ndarray:
    """float64 [E, D]: chance that each evidence is present, under each condition, after the answers to its group."""
    of, found = belief.law.tables, np.array(_unasked(belief.law))
    row = {name: number for number, name in enumerate(of.evidences)}
    for parent in {of.evidences[name].parent for name in belief.asked}:
        present, absent = factors(belief, parent)
        found[row[parent]] = share = present / (present + absent)
        for child in of.children[parent]:
            found[row[child]] = share * chances(belief.law, child)
    return found


@lru_cache(maxsize=16)
def _unasked(law: Law) -> np.ndarray:
    """float64 [E, D]: the same before anything was asked."""
    of = law.tables.evidences
    return np.array([chances(law, c) * (1.0 if e.parent == c else chances(law, e.parent)) for c, e in of.items()])


@lru_cache(maxsize=1 << 15)
def expected_entropies(belief: Belief) -> tuple[tuple[str, float], ...]:
    """Every question whose answer is open, with the entropy that is left after it on average, in nats."""
    likely = belief.posterior
    held, known = likely > 1e-9, belief.asked
    yes, on = presence(belief)[:, held] * likely[held], likely[held]
    names, sums = tuple(belief.law.tables.evidences), yes.sum(1)
    open_now = [i for i, name in enumerate(names) if name not in known and 1e-9 < sums[i] < 1.0 - 1e-9]
    left = _spread(yes[open_now]) + _spread(on - yes[open_now])
    return tuple((names[i], float(h)) for i, h in zip(open_now, left, strict=True))


@lru_cache(maxsize=1 << 12)
def true_posterior(law: Law, first: str, present: frozenset[str]) -> np.ndarray:
    """float64 [D]: the posterior when every evidence is known: the differential of the patient."""
    of, inner = law.tables.evidences, _inner(law)
    held = np.array([name in present for name in of])
    open_now = np.array([e.parent == name or e.parent in present for name, e in of.items()])
    fits = np.where(held[:, None], inner, 1.0 - inner)[open_now & (np.array(list(of)) != first)]
    weights = first_chances(law, first) * fits.prod(0)
    return weights / weights.sum()


@lru_cache(maxsize=16)
def _inner(law: Law) -> np.ndarray:
    """float64 [E, D]: chance of each evidence where the question that it follows up is present."""
    return np.array([chances(law, name) for name in law.tables.evidences])


def fitting_patient(belief: Belief, told: Mapping[str, str], rng: np.random.Generator) -> Patient:
    """A patient drawn from the rule among those who could have answered so.

    Args:
        told: evidence -> what was answered, for the values of those that are present.
    """
    of, law = belief.law.tables, belief.law
    number = int(rng.choice(len(of.conditions), p=belief.posterior))
    condition, present = of.conditions[number], dict[str, str]()
    for parent, evidence in of.evidences.items():
        if evidence.parent != parent:
            continue
        there, not_there = (float(part[number]) for part in factors(belief, parent))
        if rng.random() * (there + not_there) < there:
            heard = belief.group(parent)
            for name in (parent, *of.children[parent]):
                if name == parent or rng.random() < _child_chance(belief, heard, name, law.chance(condition, name)):
                    said = told.get(name, "")
                    known = said and said != of.evidences[name].default
                    present[name] = said if known else value_of(of.evidences[name], rng)
    return Patient(condition.name, belief.first, present, 0, "")


def _child_chance(belief: Belief, heard: Answers, name: str, prior: float) -> float:
    """Chance that an evidence is present, where the question that it follows up is, after the answers about it."""
    wrong, yes, no = max(belief.error, LEAST), prior, 1.0 - prior
    for asked, said in heard:
        if asked == name:
            yes, no = yes * (1.0 - wrong if said else wrong), no * (wrong if said else 1.0 - wrong)
    return yes / (yes + no)


def _spread(joint: np.ndarray) -> np.ndarray:
    """float64 [C]: entropy of each row made to sum to 1, times its sum."""
    total = joint.sum(1)
    return _x_log_x(total) - _x_log_x(joint).sum(1)


def _x_log_x(x: np.ndarray) -> np.ndarray:
    return x * np.log(np.maximum(x, 1e-300))
