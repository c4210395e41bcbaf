"""What is true of the cities, how it is asked for, and who answers (specs/worlds/archer-worlds)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Protocol

import numpy as np

REFUSAL = "I can't answer that question."
UNREAD = "I am not sure what you mean."
LETTERS = {
    "c": "Is it by the sea?",
    "k": "Is it a capital?",
    "s": "Is it south of the equator?",
    "w": "Is it freezing there in winter?",
}


@dataclass(frozen=True, slots=True)
class City:
    """One home town."""

    name: str
    country: str
    holds: frozenset[str]  # the questions whose answer is yes


@lru_cache(maxsize=1)
def cities() -> tuple[City, ...]:
    """The shipped cities, in the order of the file."""
    data = tomllib.loads(files("turnwise.worlds").joinpath("data", "archer_city", "cities.toml").read_text("utf-8"))
    found = []
    for line in data["cities"].strip().splitlines():
        name, country, letters = (part.strip() for part in line.split(","))
        continent, language = data["countries"][country]
        holds = {LETTERS[letter] for letter in letters} | {in_continent(continent), in_language(language)}
        found.append(City(name.title(), country.title(), frozenset(holds)))
    return tuple(found)


@lru_cache(maxsize=1)
def questions() -> tuple[str, ...]:
    """Every question that the table can answer, in the order of the alphabet."""
    return tuple(sorted(frozenset().union(*(city.holds for city in cities()))))


def in_continent(name: str) -> str:
    """Where it lies."""
    return f"Is it in {name}?"


def in_language(name: str) -> str:
    """What is spoken there."""
    return f"Is the language {name}?"


def guess(city: City) -> str:
    """Names a city."""
    return f"Is it {city.name}?"


def named(city: City, text: str) -> bool:
    """Whether a text names a city: its name occurs, whatever the case."""
    return city.name.lower() in text.lower()


def plain(question: str) -> str:
    """A question without what does not matter: case, articles, punctuation."""
    words = re.findall(r"[a-z]+", question.lower())
    return " ".join(word for word in words if word not in ("a", "the", "an", "your", "city", "home", "town"))


@lru_cache(maxsize=1)
def _meant() -> dict[str, str]:
    return {plain(question): question for question in questions()}


def meaning(question: str) -> str | None:
    """The question of the table that a text asks; None if it is none of them."""
    return _meant().get(plain(question))


class Oracle(Protocol):
    """Whoever knows the city: a table, a script, or a model."""

    def answer(self, city: City, question: str, rng: np.random.Generator) -> str: ...


class TableOracle:
    """Answers a question of the table in a sentence, and a guess of another city with no."""

    def answer(self, city: City, question: str, rng: np.random.Generator) -> str:
        """The sentence; nothing is drawn."""
        asked = meaning(question)
        if asked is not None:
            return sentence(asked, asked in city.holds)
        if any(named(other, question) for other in cities() if other is not city):
            return "No, I am not from there."
        return UNREAD


def sentence(question: str, yes: bool) -> str:
    """A question of the table turned into its answer: "Is it by the sea?" -> "No, it is not by the sea."

    The verb and the subject change places.
    """
    rest = question.removeprefix("Is ").rstrip("?")
    subject = "the language" if rest.startswith("the language ") else "it"
    return f"{'Yes' if yes else 'No'}, {subject} is{'' if yes else ' not'} {rest.removeprefix(subject + ' ')}."


def fitting(history: Sequence[tuple[str, str]]) -> list[City]:
    """The cities that fit a conversation of (question, answer), if the table answers; all that were not guessed, should
    none fit.
    """
    guessed = [city for city in cities() if any(named(city, question) for question, _ in history)]
    left = [city for city in cities() if city not in guessed]
    asked = [(meaning(question), answer) for question, answer in history]
    facts = [(about, answer == sentence(about, True)) for about, answer in asked if about is not None]
    return (
        [city for city in left if all((about in city.holds) == yes for about, yes in facts)] or left or list(cities())
    )
