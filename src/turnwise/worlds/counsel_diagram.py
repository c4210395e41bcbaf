"""What a patient of `counsel` hides: a cognitive conceptualisation diagram, drawn by a rule of our own
(specs/users/patient-psi).

    class              helpless, unlovable or worthless, uniform; never told
    core beliefs       two statements of the class, and with chance 0.3 one of another class
    other fields       one of the class's texts each, uniform; emotions one to three of the class's four
    cognitive models   three, each from a domain of life of its own (the domains are the shown history)

The statements are original and the patients are invented: worlds/data/counsel/README.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

CLASSES = ("helpless", "unlovable", "worthless")
MODELS = 3
MIXED = 0.3
MODEL_FIELDS = ("situation", "emotion", "thoughts", "behaviour")
SINGLE_FIELDS = ("coping", "rules", "rules when low", "core beliefs")
FIELDS = (*(f"{field} {n}" for n in range(1, MODELS + 1) for field in MODEL_FIELDS), *SINGLE_FIELDS)
"""The cognitive models one after the other, then what lies deeper and takes more trust."""

TICKED = frozenset(("core beliefs", *(f"emotion {n}" for n in range(1, MODELS + 1))))
"""Fields that are sets of statements; the others are texts."""

POOL = {"rules": "rules", "rules when low": "low", "coping": "coping", "thoughts": "thoughts", "behaviour": "behaviour"}
JOIN = "; "


def kind_of(field: str) -> str:
    """`thoughts` of `thoughts 2`."""
    return field.rstrip(" 0123456789")


@lru_cache(maxsize=1)
def texts() -> Mapping[str, Any]:
    """The file of statements."""
    data = files("turnwise.worlds").joinpath("data", "counsel", "diagrams.toml").read_text("utf-8")
    return tomllib.loads(data)


@lru_cache(maxsize=8)
def statements(of: str, sensitive: bool) -> tuple[str, ...]:
    """Core beliefs of a class; those that are sensitive only where they are asked for."""
    hidden = () if sensitive else texts()["sensitive"]
    return tuple(text for text in texts()[of]["core"] if text not in hidden)


@lru_cache(maxsize=512)
def law(of: str, field: str, domain: str, sensitive: bool) -> Mapping[str, float]:
    """Value of a field -> its chance, in a patient of a class; the situation is of a domain."""
    kind, own = kind_of(field), texts()[of]
    if kind == "situation":
        pool = texts()["domains"][domain]
        return dict.fromkeys(pool, 1.0 / len(pool))
    if kind == "emotion":
        sets = [JOIN.join(some) for n in (1, 2, 3) for some in combinations(own["emotions"], n)]
        return {value: 1.0 / 3.0 / comb(4, value.count(JOIN) + 1) for value in sets}
    if kind == "core beliefs":
        return _core(of, sensitive)
    return dict.fromkeys(own[POOL[kind]], 1.0 / len(own[POOL[kind]]))


def _core(of: str, sensitive: bool) -> Mapping[str, float]:
    """Two statements, and sometimes a third of another class; in the order of the file."""
    every = [text for name in CLASSES for text in statements(name, sensitive)]
    pairs = list(combinations(statements(of, sensitive), 2))
    strangers = [text for text in every if text not in statements(of, sensitive)]
    found = {JOIN.join(pair): (1.0 - MIXED) / len(pairs) for pair in pairs}
    for pair in pairs:
        for text in strangers:
            value = JOIN.join(sorted((*pair, text), key=every.index))
            found[value] = found.get(value, 0.0) + MIXED / len(pairs) / len(strangers)
    return found


def draw(
    domains: tuple[str, ...], sensitive: bool, rng: np.random.Generator, told: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A diagram, field by field; where some fields are known, drawn among those that have them so."""
    known = told or {}
    at = {field: domains[int(field[-1]) - 1] if field[-1].isdigit() else "" for field in FIELDS}
    fits = np.ones(len(CLASSES))
    for field, value in known.items():
        fits *= [law(of, field, at[field], sensitive).get(value, 1e-12) for of in CLASSES]
    of = CLASSES[int(rng.choice(len(CLASSES), p=fits / fits.sum()))]
    found = {}
    for field in FIELDS:
        chances = law(of, field, at[field], sensitive)
        found[field] = known.get(field) or list(chances)[int(rng.choice(len(chances), p=list(chances.values())))]
    return found


@lru_cache(maxsize=8)
def alternatives(sensitive: bool) -> Mapping[str, tuple[str, ...]]:
    """What a mistaken answer could name, of each field."""
    domains = tuple(texts()["domains"])
    found = {
        field: {v: None for of in CLASSES for d in domains for v in law(of, field, d, sensitive)} for field in FIELDS
    }
    return {field: tuple(values) for field, values in found.items()}
