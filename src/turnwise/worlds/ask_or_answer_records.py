"""The records of MediQ: multiple-choice cases with their facts one by one (specs/users/mediq).

Not medical advice. Origin and licence: worlds/data/mediq/README.md.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from turnwise.core.errors import UnknownName

SETS = ("craft", "medqa")
HELD_OUT = 5
"""Every so manieth record is for evaluation alone."""

NUMBER = re.compile(r"^\d+\.\s*")
WORD = re.compile(r"[a-z]+|\d+")
STOP = frozenset(
    WORD.findall(
        "the and for are was were has have had his her its with from that this there any about can you tell does did"
        " not she they them him been being which what who whom when where how why all also into over under out off"
        " per than"
        " then but our your their most more other such only own same too very one two patient man woman boy girl year"
        " old years following likely"
    )
)


@dataclass(frozen=True)
class Record:
    """One case."""

    number: int
    question: str
    options: tuple[str, ...]  # A, B, C, D
    answer: int  # which of them is right
    context: tuple[str, ...]  # sentences; the first is what the patient opens with
    facts: tuple[str, ...]  # single statements


@lru_cache(maxsize=4)
def records(name: str) -> tuple[Record, ...]:
    """A set of records.

    Args:
        name: `medqa` (1,272, of which those without an opening are left out) or `craft` (140).

    Raises:
        UnknownName: no such set.
    """
    if name not in SETS:
        raise UnknownName("set of records", name, SETS)
    packed = files("turnwise.worlds").joinpath("data", "mediq", f"{name}.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).decode("utf-8").splitlines()]
    return tuple(
        Record(
            number,
            row["question"],
            tuple(row["options"][letter] for letter in "ABCD"),
            "ABCD".index(row["answer"]),
            tuple(row["context"]),
            tuple(dict.fromkeys(NUMBER.sub("", fact) for fact in row["facts"])),
        )
        for number, row in enumerate(rows)
        if row["context"]
    )


def split_of(record: Record) -> str:
    """train or eval."""
    return "eval" if record.number % HELD_OUT == HELD_OUT - 1 else "train"


@lru_cache(maxsize=1 << 16)
def words(text: str) -> frozenset[str]:
    """What a text is about: its words without the commonest, in lower case, without a plural's s."""
    found = WORD.findall(text.casefold())
    return frozenset(w[:-1] if len(w) > 4 and w.endswith("s") else w for w in found if len(w) > 2 and w not in STOP)
