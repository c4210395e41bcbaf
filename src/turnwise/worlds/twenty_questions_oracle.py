"""What a free text asks about, and an oracle that answers it from the table (specs/worlds/lmrl-twenty-questions)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.worlds.twenty_questions_rules import matches, verdict
from turnwise.worlds.twenty_questions_table import Fact, Meaning, Thing, table

ARTICLES = ("a", "an", "the")
HEDGES = ("usually", "typically", "normally", "generally", "commonly", "mostly", "mainly", "often")
SKIPPED = frozenset(ARTICLES + HEDGES)
"""Words that do not change what a question asks about."""

SAME = (
    (" your object ", " it "),
    (" this object ", " it "),
    (" object ", " it "),
    (" could it be ", " is it "),
    (" can it be ", " is it "),
    (" type of ", " "),
    (" kind of ", " "),
)
"""Phrases, each with a plainer one that says the same."""


@lru_cache(maxsize=1 << 16)
def meaning(question: str) -> Meaning | None:
    """The attribute or object that a free text asks about, None if it is neither.

    An attribute is known by its phrasings, whatever their case, punctuation, articles and words such as "usually";
    a guess by the game's own rule (`matches`).
    """
    key = _attribute_of().get(_plain(question))
    if key is not None:
        return Meaning("attribute", key)
    words = re.findall(r"[a-z]+", question.lower())
    for length in range(1, 5):  # no object has a name of more than four words
        thing = _thing_of().get(" ".join(words[-length:]))
        if thing is not None and matches(thing.variants, question):
            return Meaning("guess", thing.name)
    return None


def _plain(question: str) -> str:
    """A normal form: questions that differ only in small words become equal."""
    words = [word for word in re.findall(r"[a-z0-9']+", question.lower()) if word not in SKIPPED]
    text = f" {' '.join(words)} "
    for phrase, plainer in SAME:
        text = text.replace(phrase, plainer)
    return text


@lru_cache(maxsize=1)
def _attribute_of() -> dict[str, str]:
    """Normal form of every phrasing -> its attribute."""
    return {_plain(text): key for key, texts in table().questions.items() for text in texts}


@lru_cache(maxsize=1)
def _thing_of() -> dict[str, Thing]:
    """Every variant in lower case -> its object."""
    return {variant.lower(): thing for thing in table().things for variant in thing.variants}


def remember(turns: Iterable[tuple[str, str]]) -> list[Fact]:
    """Pairs (question, answer) of a conversation as facts."""
    return [(meaning(question), verdict(answer) == "Yes.") for question, answer in turns]


class Oracle(Protocol):
    """Whoever knows the secret: a table, a script, or a model. The game reads its text with `verdict`."""

    def answer(self, secret: Thing, question: str, rng: np.random.Generator | None = None) -> str: ...


class TableOracle:
    """Answers "Yes." or "No.": attributes by the table, guesses by the game's rule, anything else "No.".

    Args:
        noise: probability in [0, 1] that an answer about an attribute is turned around.
        key: which errors are made where no generator is handed in; then a question always gets the same answer.
    """

    def __init__(self, noise: float = 0.0, key: int = 0):
        if not 0.0 <= noise <= 1.0:
            raise TurnwiseError(f"noise={noise}", "a probability from 0 to 1")
        self.noise, self.key = noise, key

    def answer(self, secret: Thing, question: str, rng: np.random.Generator | None = None) -> str:
        """The answer; one number is drawn from `rng` if an attribute is asked for under noise, else none."""
        asked = meaning(question)
        if asked is None or asked.kind == "guess":
            return "Yes." if matches(secret.variants, question) else "No."
        known = table()
        holds = bool(known.masks[asked.name] >> known.index[secret.name] & 1)
        return "Yes." if holds != self._errs(secret, asked.name, rng) else "No."

    def _errs(self, secret: Thing, attribute: str, rng: np.random.Generator | None) -> bool:
        if not self.noise:
            return False
        if rng is not None:
            return bool(rng.random() < self.noise)
        text = f"{self.key}\x1f{secret.name}\x1f{attribute}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") < self.noise * 2.0**64
