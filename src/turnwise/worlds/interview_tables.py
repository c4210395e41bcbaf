"""What is asked and what it may mean: 223 evidences and 49 conditions of DDXPlus (specs/users/ddxplus).

Not medical advice. Origin and licence of the tables: worlds/data/ddxplus/README.md.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from turnwise.core.errors import UnknownName

SMALL = (
    "Acute laryngitis",
    "Acute rhinosinusitis",
    "Bronchitis",
    "Chronic rhinosinusitis",
    "Influenza",
    "Pneumonia",
    "URTI",
    "Viral pharyngitis",
)
"""Eight conditions of the airways, which share most of what they list, for quick runs."""

SETS: Mapping[str, tuple[str, ...] | None] = {"all": None, "small": SMALL}
SEVERE = 3
"""A condition whose severity is below this is severe: 1 is the worst."""

PLAIN = {"N": "no", "Y": "yes", "NA": "nothing like that"}
"""How the tables' abbreviations are said."""


@dataclass(frozen=True)
class Evidence:
    """One thing to ask."""

    name: str  # fever
    code: str  # E_91
    parent: str  # name of the question it follows up; its own where it follows up none
    question: str
    antecedent: bool
    default: str  # what is answered when it is absent
    values: tuple[str, ...]  # what may be answered when it is present
    several: bool  # whether more than one of them may be


@dataclass(frozen=True)
class Condition:
    """One thing it may be."""

    name: str
    severity: int  # 1 (worst) to 5
    symptoms: tuple[str, ...]  # names
    antecedents: tuple[str, ...]

    @property
    def severe(self) -> bool:
        return self.severity < SEVERE


@dataclass(frozen=True, eq=False)
class Tables:
    """A set of conditions and the evidences they list."""

    name: str
    evidences: Mapping[str, Evidence]
    conditions: tuple[Condition, ...]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Name of a condition -> its position."""
        return {condition.name: i for i, condition in enumerate(self.conditions)}

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """A question -> those that follow it up."""
        found: dict[str, tuple[str, ...]] = dict.fromkeys(self.evidences, ())
        for name, evidence in self.evidences.items():
            if evidence.parent != name:
                found[evidence.parent] += (name,)
        return found

    @cached_property
    def defaults(self) -> Mapping[str, str]:
        """What somebody without any evidence would answer."""
        return {name: evidence.default for name, evidence in self.evidences.items()}

    def complaints(self, condition: Condition) -> tuple[str, ...]:
        """What somebody with a condition may come with: its symptoms that are answered yes or no and follow up none."""
        asked = (self.evidences[name] for name in condition.symptoms)
        return tuple(e.name for e in asked if e.parent == e.name and e.values == ("yes",))


@lru_cache(maxsize=len(SETS))
def tables(name: str = "all") -> Tables:
    """The shipped tables.

    Args:
        name: `all` (49 conditions, 223 evidences) or `small` (8 conditions and what they list).

    Raises:
        UnknownName: no such set.
    """
    if name not in SETS:
        raise UnknownName("set of conditions", name, SETS)
    chosen, rows, called = SETS[name], _json("evidences.json.gz"), _labels()
    conditions = tuple(
        Condition(
            title, row["severity"], *(tuple(called[c] for c in row[kind]) for kind in ("symptoms", "antecedents"))
        )
        for title, row in _json("conditions.json.gz").items()
        if chosen is None or title in chosen
    )
    listed = {evidence for condition in conditions for evidence in (*condition.symptoms, *condition.antecedents)}
    evidences = (_evidence(code, row, called) for code, row in rows.items() if called[code] in listed)
    return Tables(name, {evidence.name: evidence for evidence in evidences}, conditions)


def _evidence(code: str, row: Mapping[str, Any], called: Mapping[str, str]) -> Evidence:
    """A row as an evidence. Five groups are named after questions that the tables lack: theirs follow up none."""
    parent = called.get(row["group"], called[code])
    said = {value: _plain(text) for value, text in row["values"].items()}
    default = said.get(str(row["default"]), "no")
    values = tuple(text for text in said.values() if text != default) or ("yes",)
    return Evidence(called[code], code, parent, row["question"], row["antecedent"], default, values, row["type"] == "M")


def _plain(text: str) -> str:
    """A value as it is said."""
    return PLAIN.get(text, text.casefold().replace("(r)", " right").replace("(l)", " left"))


def _labels() -> dict[str, str]:
    """Code -> a short name of our own."""
    return dict(line.split(" ", 1) for line in _bytes("labels.txt").decode("utf-8").splitlines())


def _json(name: str) -> Any:
    return json.loads(gzip.decompress(_bytes(name)).decode("utf-8"))


def _bytes(name: str) -> bytes:
    return files("turnwise.worlds").joinpath("data", "ddxplus", name).read_bytes()
