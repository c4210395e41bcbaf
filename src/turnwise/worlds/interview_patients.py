"""Invented patients for the DDXPlus tables, by a rule of our own (specs/users/ddxplus, "absent, so we generate").

    condition        uniform
    first complaint  one of what a patient with it may come with, uniform; it is present
    other evidences  a listed symptom is present with chance `symptom`, a listed antecedent with `antecedent`, where the
                     question they follow up is present; nothing that is not listed is
    values           one of those that are not the default, uniform; one to three of them where several may be true
    age, sex         uniform, from 18 to 90

The chances are such that a patient has as many symptoms and antecedents on average as the published ones (10.07 and
3.49). The published patients and their chances are not here: figures do not compare. Not medical advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from turnwise.core.chance import generator
from turnwise.worlds.interview_tables import Condition, Evidence, Tables, tables

SYMPTOM, ANTECEDENT = 0.85, 0.6
SEXES = ("woman", "man")
MOST_VALUES = 3


@dataclass(frozen=True)
class Patient:
    """Somebody who is asked."""

    condition: str
    first: str  # the complaint that it comes with
    present: Mapping[str, str]  # evidence -> what is answered; absent evidences are left out
    age: int
    sex: str

    @property
    def params(self) -> dict[str, Any]:
        """As a task keeps it."""
        return {"condition": self.condition, "first": self.first, "age": self.age, "sex": self.sex} | {
            "present": dict(self.present)
        }


@dataclass(frozen=True, eq=False)
class Law:
    """How patients are drawn from the tables; one object per choice of chances, see `law`."""

    tables: Tables
    symptom: float
    antecedent: float

    def chance(self, condition: Condition, name: str) -> float:
        """Of an evidence to be present, where the question that it follows up is."""
        if name in condition.symptoms:
            return self.symptom
        return self.antecedent if name in condition.antecedents else 0.0

    def draw(self, condition: Condition, rng: np.random.Generator) -> Patient:
        """A patient with a condition."""
        known, first = self.tables, pick(self.tables.complaints(condition), rng)
        present: dict[str, str] = {}
        for name in _roots(known, condition):
            if name == first or rng.random() < self.chance(condition, name):
                for one in (name, *known.children[name]):
                    if one == name or rng.random() < self.chance(condition, one):
                        present[one] = value_of(known.evidences[one], rng)
        return Patient(condition.name, first, present, 18 + int(rng.integers(73)), pick(SEXES, rng))


@lru_cache(maxsize=256)
def _roots(known: Tables, condition: Condition) -> tuple[str, ...]:
    """What a condition lists and follows up nothing."""
    listed = dict.fromkeys((*condition.symptoms, *condition.antecedents))
    return tuple(name for name in listed if known.evidences[name].parent == name)


def value_of(evidence: Evidence, rng: np.random.Generator) -> str:
    """What is answered where an evidence is present."""
    if not evidence.several:
        return pick(evidence.values, rng)
    count = 1 + int(rng.integers(min(MOST_VALUES, len(evidence.values))))
    chosen = rng.choice(len(evidence.values), size=count, replace=False)
    return ", ".join(evidence.values[i] for i in sorted(chosen))


def pick(options: Any, rng: np.random.Generator) -> Any:
    """One of the options, uniform."""
    return options[int(rng.integers(len(options)))]


@lru_cache(maxsize=16)
def law(conditions: str = "all", symptom: float = SYMPTOM, antecedent: float = ANTECEDENT) -> Law:
    """The rule over a set of conditions with these chances."""
    return Law(tables(conditions), symptom, antecedent)


@lru_cache(maxsize=16)
def patients(of: Law, split: str, count: int) -> tuple[Patient, ...]:
    """So many patients of each condition, always the same, the conditions in turn."""
    return tuple(
        of.draw(condition, generator("patient", split, condition.name, number))
        for number in range(count)
        for condition in of.tables.conditions
    )
