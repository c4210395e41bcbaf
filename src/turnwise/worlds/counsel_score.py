"""How much of a diagram a form reconstructs (specs/users/patient-psi; the published trainer only shows the reference).

Ticked fields (core beliefs, emotions): F1 of the sets. Text fields: F1 of their words, each as often as it is there.
The three cognitive models count as one field of each kind, and the total is the mean over the eight kinds of field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from turnwise.worlds.counsel_diagram import FIELDS, JOIN, TICKED, kind_of


def f1(truth: Iterable[str], given: Iterable[str]) -> float:
    """Of two multisets; 0 where they share nothing."""
    right, said = Counter(truth), Counter(given)
    both = (right & said).total()
    return 2.0 * both / (right.total() + said.total()) if both else 0.0


def field_score(field: str, truth: str, given: str) -> float:
    """Of one field, from 0 to 1."""
    if field in TICKED:
        return f1(set(truth.split(JOIN)), {part.strip() for part in given.split(";")} - {""})
    return f1(truth.split(), given.split())


def form_scores(truth: Mapping[str, str], form: Mapping[str, str]) -> dict[str, float]:
    """Field -> score; what a form leaves out has 0."""
    return {field: field_score(field, truth[field], form.get(field, "")) for field in FIELDS}


def total(scores: Mapping[str, float]) -> float:
    """The mean over kinds of fields."""
    kinds: dict[str, list[float]] = {}
    for field, score in scores.items():
        kinds.setdefault(kind_of(field), []).append(score)
    return sum(sum(of) / len(of) for of in kinds.values()) / len(kinds)


def written(form: Mapping[str, str]) -> str:
    """A form as text: `coping = i wait | rules = if ...`."""
    return " | ".join(f"{field} = {value}" for field, value in form.items())


def read_form(text: str) -> dict[str, str] | None:
    """The same back; None where a part is no field."""
    found = {}
    for part in text.split("|"):
        field, sign, value = part.partition("=")
        if not sign or field.strip() not in FIELDS:
            return None
        found[field.strip()] = " ".join(value.split())
    return found
