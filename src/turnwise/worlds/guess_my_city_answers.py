"""Who answers for the hidden city, and what follows from an answer (specs/worlds/lmrl-guess-my-city).

As intended, answers are sentences; as released, an oracle's text is reduced to "Yes." or "No." by its first word, so
that an open question gets "No.".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from turnwise.core.chance import Chance, uniform_of
from turnwise.worlds.guess_my_city_table import Table, Town, aspects, meaning, mentions, table, towns_named

REFUSAL = "I can't answer that question."
RIGHT = ("Yes, that is my city!", "Yes, you found it!", "Yes, I am from there!")
WRONG = ("No, I am not from there.", "No, that is not my city.", "No, it is another city.")
UNREAD = ("I do not know what to say to that.", "I am not sure what you mean.", "Could you ask something else?")


class Oracle(Protocol):
    """Whoever knows the city: a table, a script, or a model."""

    def answer(self, town: Town, question: str, chance: Chance) -> str: ...


class TableOracle:
    """Answers by the table, in one of three wordings."""

    def answer(self, town: Town, question: str, chance: Chance) -> str:
        """The sentence; its wording is drawn, its content is not."""
        options = wordings(town.name, question)
        return options[int(uniform_of(chance.key, chance.tick, "wording") * len(options))]


@lru_cache(maxsize=1 << 17)
def wordings(name: str, question: str) -> tuple[str, ...]:
    """The three ways in which the table answers a question about a town of this name."""
    asked = meaning(question)
    if asked is None:
        named = towns_named(question)
        return UNREAD if not named else RIGHT if name in named else WRONG
    aspect, holds = aspects()[asked.aspect], table().towns[table().index[name]].values[asked.aspect]
    if asked.value is None:
        return tuple(text.format(holds) for text in aspect.told)
    return tuple(text.format(asked.value) for text in (aspect.yes if asked.value == holds else aspect.no))


def kept_secret(town: Town, answer: str) -> str:
    """An answer as it is shown: a refusal instead, where it names the city or its country."""
    return REFUSAL if mentions(answer, town.forbidden) else answer


def reduced(answer: str) -> str:
    """As released: "Yes." where the first word begins with it, else "No."."""
    return "Yes." if answer.strip().lower().startswith("yes") else "No."


def confirmed_as_released(entry: str, question: str, answer: str) -> bool:
    """The released test of success: the question's last words, one by one, are the characters of the list's entry.

    For "lima,peru" they would have to be l, i, m, a, ...; a question of fewer words is compared as far as it goes.
    """
    words = re.findall(r"\w+|[^\w\s]", re.sub(r"[\W\d_]+$", "", question).lower())
    last = words[-len(entry) :]
    return answer == "Yes." and bool(words) and all(a == b for a, b in zip(entry, last, strict=False))


@lru_cache(maxsize=1 << 16)
def mask_of(known: Table, question: str, answer: str, as_released: bool) -> int:
    """The towns that can give an answer."""
    found = 0
    for i, town in enumerate(known.towns):
        options = wordings(town.name, question)
        if answer in (map(reduced, options) if as_released else options):
            found |= 1 << i
    return found


def fitting(known: Table, said: Iterable[tuple[str, str]], as_released: bool = False) -> int:
    """The towns that fit a conversation of (question, answer), if the table answers; answers that it would never give
    are passed over, as is all that would leave no town.

    Each town is as likely as the next, since every answer of the table has the same number of wordings.
    """
    left = known.everything
    for question, answer in said:
        left = left & mask_of(known, question, answer, as_released) or left
    return left


def pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """(question, answer) of the texts after the start, as the game reads them."""
    return [(q.strip(), a.strip()) for q, a in zip(texts[::2], texts[1::2], strict=False)]
