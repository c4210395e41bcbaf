"""The game's rules on texts: what a valid question is, when it names the object, and what counts as an answer.

Source: specs/worlds/lmrl-twenty-questions. The released code asks a part-of-speech tagger which words are nouns; here
a word is a noun unless a list or its ending says otherwise, which agrees with every recorded decision.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from turnwise.core.errors import UnknownName

INVALID = "Is this a valid question?\n"
"""What `strict` cleaning puts in place of a text that is no question; its answer is always "No."."""

OPENINGS = ("Is", "Does", "Can", "Do", "Are", "Could")
STRICT_WORDS = 40  # a longer question is invalid under `strict`
REPEAT_WORDS = 50  # a longer question is cut under `repeat-filtering`

ALWAYS_ALLOWED = frozenset({"object", "something", "type", "kind"})
"""Nouns that may stand in any question that names the object."""

ENDINGS = ("ly", "ing", "ed", "able", "ible", "ful", "less", "ous", "ish", "-like", "-made")
"""Endings of adverbs, participles and adjectives."""

SUBJECTS = frozenset({"it", "you", "they", "we", "one"})
HELPING = frozenset({"do", "does", "did", "can", "could", "will", "would", "should", "may", "might", "must"})


def clean_question(raw: str, rule: str) -> str:
    """The question as the game takes it, ended by a newline.

    Args:
        raw: what the player wrote.
        rule: `strict` (what is no question becomes `INVALID`), `simple` (a missing question mark is added), or
            `repeat-filtering` (so is it, after a cut to 50 words).

    Raises:
        UnknownName: no such rule.
    """
    if rule not in CLEANING:
        raise UnknownName("rule of cleaning", rule, CLEANING)
    return CLEANING[rule](raw.strip())


def _strict(text: str) -> str:
    if not text:
        return INVALID
    text = _with_mark(text[0].upper() + text[1:])
    words = text.split(" ")
    statement = text.endswith(".?") and words[-1] != "etc.?"
    return INVALID if words[0] not in OPENINGS or len(words) > STRICT_WORDS or statement else text + "\n"


def _simple(text: str) -> str:
    return _with_mark(text) + "\n"


def _repeat_filtering(text: str) -> str:
    return _with_mark(" ".join(text.split(" ")[:REPEAT_WORDS])) + "\n"


def _with_mark(text: str) -> str:
    return text if text.endswith("?") else text + "?"


CLEANING: Mapping[str, Callable[[str], str]] = {
    "strict": _strict,
    "simple": _simple,
    "repeat-filtering": _repeat_filtering,
}


def verdict(reply: str) -> str:
    """An oracle's text as "Yes." or "No.": yes if it begins with yes, and everything else counts as no."""
    return "Yes." if reply.strip().lower().startswith("yes") else "No."


def matches(variants: Sequence[str], question: str) -> bool:
    """Whether a question names the object: it ends in one of the variants and holds no noun of anything else.

    Two quirks of the rule are kept: a plural that is no variant does not match, and any question that ends in the
    object's name does ("Is it made of horse?").
    """
    return _matches(tuple(variants), question)


@lru_cache(maxsize=1 << 16)
def _matches(variants: tuple[str, ...], question: str) -> bool:
    last_letter = max((i for i, char in enumerate(question) if char.isalpha()), default=-1)
    words = _split(question[: last_letter + 1])
    names = [_split(variant) for variant in variants]
    if not any(words[-len(name) :] == name for name in names):
        return False
    allowed = ALWAYS_ALLOWED.union(*names)
    counted = {i - 1 for i, word in enumerate(words) if word == "of"}  # "a pair of", "a kind of"
    return not any(is_noun(words, i) for i, word in enumerate(words) if word not in allowed and i not in counted)


def is_noun(words: Sequence[str], i: int) -> bool:
    """Whether word `i` of a lower-case question is taken as a noun: an unknown word is, unless it ends otherwise."""
    word, (nouns, others) = words[i], lexicon()
    if word in nouns:
        return True
    if word in others or not any(map(str.isalpha, word)) or (len(word) > 4 and word.endswith(ENDINGS)):
        return False
    return not _is_verb_here(words, i, others)


def _is_verb_here(words: Sequence[str], i: int, others: frozenset[str]) -> bool:
    """In "Does it resemble a dog" the word between the subject and the rest is a verb, whatever it is."""
    return words[0] in HELPING and 0 < i < len(words) - 1 and words[i - 1] in SUBJECTS and words[i + 1] in others


@lru_cache(maxsize=1)
def lexicon() -> tuple[frozenset[str], frozenset[str]]:
    """(words that are nouns despite their ending, or as part of an object's name; words that are no nouns)."""
    lists = tomllib.loads(read_data("words.toml"))
    others = {word for kind in ("function", "adjective", "verb") for word in lists[kind].split()}
    named = {word for thing in objects()["objects"] for name in thing["variants"] for word in _split(name)}
    nouns = set(lists["noun"].split()) | (named - {"of", "stuffed"})
    return frozenset(nouns), frozenset(others - nouns)


def _split(text: str) -> list[str]:
    """Lower-case words and punctuation marks."""
    return re.findall(r"[^\W_]+(?:[-'][^\W_]+)*|[^\w\s]|_", text.lower())


@lru_cache(maxsize=1)
def objects() -> dict[str, Any]:
    """The shipped file of objects: {objects: [{variants, category, form}], small: [name]}."""
    return json.loads(read_data("objects.json"))


def read_data(name: str) -> str:
    """A text file of `worlds/data/twenty_questions`."""
    return files("turnwise.worlds").joinpath("data", "twenty_questions", name).read_text("utf-8")
