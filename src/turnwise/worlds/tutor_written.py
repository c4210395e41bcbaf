"""Exercises from real tutoring: solutions that MathDial's students wrote, and CIMA's Italian phrases.

Both ship under licences of their own; see worlds/data/mathdial (CC BY-SA 4.0) and worlds/data/cima (CC BY 2.5).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import combinations

from turnwise.worlds.tutor_exercises import ANSWER, step_names

DATA = files("turnwise") / "worlds" / "data"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def numbers(text: str) -> list[str]:
    """The numbers in a text as written, without commas."""
    return [found.replace(",", "") for found in NUMBER.findall(text)]


def one_line(text: str) -> str:
    """A line of a solution as one sentence, so that it can be said among others."""
    return "; ".join(sentence.rstrip(".!?;, ") for sentence in re.split(r"(?<=[.!?])\s+", text.strip()))


@dataclass(frozen=True)
class Scenario:
    """A wrong solution of MathDial. Misunderstood is its first step whose result does not occur in the right one."""

    name: str
    question: str
    key: tuple[str, ...]
    answer: str
    lines: tuple[str, ...]  # what the student wrote
    wrong: str  # its answer
    shown = True

    @cached_property
    def steps(self) -> tuple[str, ...]:
        return step_names(len(self.lines))

    @cached_property
    def mistakes(self) -> tuple[tuple[str, ...], ...]:
        """Any step, as far as one can tell before it is compared with the key; `misunderstood` is the true one."""
        return tuple((name,) for name in self.steps)

    @cached_property
    def misunderstood(self) -> tuple[str, ...]:
        right = {number for line in (*self.key, self.question) for number in numbers(line)}
        off = [name for name, line in zip(self.steps, self.lines, strict=True) if numbers(line)[-1] not in right]
        return (off[0] if off else self.steps[-1],)

    def work(self, misunderstood: tuple[str, ...]) -> Mapping[str, str]:
        written = dict(zip(self.steps, self.lines, strict=True))
        return {**written, ANSWER: self.wrong if misunderstood else self.answer}

    def rests(self, fact: str) -> tuple[str, ...]:
        return self.steps

    def sibling_right(self, misunderstood: tuple[str, ...]) -> bool:
        return not misunderstood


@dataclass(frozen=True)
class Phrase:
    """A phrase to be said in Italian, in three pieces that stand for themselves."""

    english: tuple[str, str, str]  # preposition, noun, colour
    italian: tuple[str, str, str]
    wrong: tuple[str, str, str]  # of each piece, what a misunderstanding makes of it
    key_of = ("the preposition", "the noun with its article", "the colour, after the noun")
    shown = False

    @cached_property
    def steps(self) -> tuple[str, ...]:
        return step_names(3)

    @cached_property
    def mistakes(self) -> tuple[tuple[str, ...], ...]:
        return tuple(some for size in (1, 2) for some in combinations(self.steps, size))

    @cached_property
    def question(self) -> str:
        preposition, noun, colour = self.english
        return f'Say in Italian: "{preposition} {colour} {noun}".'

    @cached_property
    def key(self) -> tuple[str, ...]:
        pieces = zip(self.steps, self.key_of, self.italian, strict=True)
        return tuple(f"{step}, {what}: {piece}" for step, what, piece in pieces)

    @cached_property
    def answer(self) -> str:
        return " ".join(self.italian)

    def work(self, misunderstood: tuple[str, ...]) -> Mapping[str, str]:
        pieces = zip(self.steps, self.italian, self.wrong, strict=True)
        said = {step: wrong if step in misunderstood else right for step, right, wrong in pieces}
        return {**said, ANSWER: " ".join(said.values())}

    def rests(self, fact: str) -> tuple[str, ...]:
        return self.steps if fact == ANSWER else (fact,)

    def sibling_right(self, misunderstood: tuple[str, ...]) -> bool:
        return not misunderstood


@lru_cache(maxsize=1)
def scenarios() -> Mapping[str, Scenario]:
    """All of MathDial's that ship, by name."""
    lines = gzip.decompress((DATA / "mathdial" / "scenarios.jsonl.gz").read_bytes()).decode().splitlines()
    return {row["qid"]: _scenario(row) for row in map(json.loads, lines)}


def _scenario(row: Mapping[str, str]) -> Scenario:
    right = [one_line(line) for line in row["ground_truth"].strip().splitlines() if line.strip()]
    written = [one_line(line) for line in row["student_incorrect_solution"].strip().splitlines() if line.strip()]
    question = " ".join(row["question"].split())
    answer = right[-1].replace(",", "")
    return Scenario(row["qid"], question, tuple(right[:-1]), answer, tuple(written[:-1]), written[-1])


MISTAKEN = {"rosso": "rossa", "rossa": "rosso", "giallo": "gialla", "gialla": "giallo", "blu": "azzurro"}
"""Colours in a form that does not agree with the noun, or another colour; the others are left in English."""


@lru_cache(maxsize=1)
def phrases() -> Mapping[str, Phrase]:
    """All of CIMA's, by the English."""
    text = (DATA / "cima" / "phrases.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    said: dict[str, list[str]] = {}
    for row in rows:
        said.setdefault(row[0], []).append(row[1])
    made: dict[str, Phrase] = {}
    for row in rows:
        english, italian = (row[0], row[2], row[4]), (row[1], row[3], row[5])
        apart = [other for other in said[row[0]] if other not in row[1] and row[1] not in other]
        wrong = (apart[0] if apart else row[0], row[2], MISTAKEN.get(row[5], row[4]))
        made.setdefault(f"{' '.join(english)}: {' '.join(italian)}", Phrase(english, italian, wrong))
    return made
