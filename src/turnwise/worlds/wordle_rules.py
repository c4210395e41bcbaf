"""Marks and consistent words of LMRL-Gym Wordle (specs/worlds/lmrl-wordle).

A mark judges each position alone: `g` right letter and place, `y` the letter occurs anywhere in the hidden word (a
second copy too, unlike newspaper Wordle), `b` it does not. Five marks are one code in base 3, so 243 codes. A set of
words is a whole number, bit i standing for word i of the list: to filter is one `&`, and a copy costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from importlib import resources
from itertools import product
from pathlib import Path

import numpy as np

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Message

LETTERS = 5
POWERS = 3 ** np.arange(LETTERS - 1, -1, -1)  # the first letter is the leading digit of a code
CODE_TEXTS = tuple(" ".join(marks) + "\n" for marks in product("byg", repeat=LETTERS))  # [243], by code
CODES = {text: code for code, text in enumerate(CODE_TEXTS)}
BESIDE = re.compile("([a-z][byg] ){4}[a-z][byg]\n")
INVALID = "\n"  # what an invalid guess is answered


def marks(guess: str, hidden: str) -> str:
    """The rule read aloud: five marks for a guess, "y b b y y" without the spaces."""
    return "".join("g" if g == h else "y" if g in hidden else "b" for g, h in zip(guess, hidden, strict=True))


def spell(word: str) -> str:
    """The text of a guess: letters joined by spaces, and a newline."""
    return " ".join(word) + "\n"


def unspell(text: str) -> str:
    """The word in a text; spaces and surrounding white space do not count."""
    return text.strip().replace(" ", "")


def alone(guess: str, code: int) -> str:
    """The marks of a guess, as the published game tells them: "g b y b g\n"."""
    return CODE_TEXTS[code]


def beside(guess: str, code: int) -> str:
    """Each letter of a guess with its mark beside it: "sg lb ay tb eg\n"."""
    return " ".join(letter + mark for letter, mark in zip(guess, CODE_TEXTS[code][::2], strict=True)) + "\n"


FORMS: dict[str, Callable[[str, int], str]] = {"marks": alone, "beside": beside}
"""What a guess is answered: its marks alone, or its letters beside them."""


def code_of(text: str) -> int | None:
    """The code that an answer of either form tells; None where it tells none."""
    return CODES.get(" ".join(text[1::3]) + "\n" if BESIDE.fullmatch(text) else text)


def is_word(text: str) -> bool:
    """Five letters, all a to z."""
    return len(text) == LETTERS and text.isascii() and text.isalpha() and text.islower()


class Words:
    """A list of words, and which of them fit what.

    Args:
        words: distinct five-letter words; their order is the order of draws.
    """

    def __init__(self, words: Iterable[str]):
        self.list = tuple(words)
        self.index = {word: i for i, word in enumerate(self.list)}
        wrong = next((w for w in self.list if not is_word(w)), None)
        if wrong is not None or not self.list or len(self.index) < len(self.list):
            found = f"the word {wrong!r}" if wrong is not None else f"{len(self.list)} words, some of them twice"
            raise TurnwiseError(f"a word list with {found}", "one or more distinct words of five letters a to z")
        self.everything = (1 << len(self.list)) - 1
        self._letters = np.array([list(w.encode()) for w in self.list], np.uint8)  # [n, 5]
        self._fitting: dict[str, dict[int, int]] = {}

    @cached_property
    def table(self) -> np.ndarray:
        """uint8 [n, n]: code of the marks for guess (row) against hidden word (column)."""
        return np.stack([self._mark(word) for word in self.list])

    def codes(self, guess: str) -> np.ndarray:
        """uint8 [n]: code of the marks for one guess, in the list or not, against each word."""
        row = self.index.get(guess)
        return self._mark(guess) if row is None else self.table[row]

    def _mark(self, guess: str) -> np.ndarray:
        letters = np.frombuffer(guess.encode(), np.uint8)
        here = self._letters == letters  # [n, 5]
        anywhere = (self._letters[:, :, None] == letters).any(1)  # [n, 5]
        return ((anywhere.astype(np.uint8) + here) @ POWERS).astype(np.uint8)

    def fitting(self, guess: str, code: int) -> int:
        """The words that would have given these marks for the guess."""
        by_code = self._fitting.get(guess)
        if by_code is None:
            codes = self.codes(guess)
            by_code = {int(c): as_bits(codes == c) for c in np.unique(codes)}
            if guess in self.index:  # any other text may come any number of times
                self._fitting[guess] = by_code
        return by_code.get(code, 0)

    def consistent(self, messages: Sequence[Message]) -> int:
        """The words that fit all guesses and marks of a conversation."""
        left = self.everything
        for said, answer in zip(messages, messages[1:], strict=False):
            code = code_of(answer.text) if said.role == "assistant" else None
            if code is not None:
                left &= self.fitting(unspell(said.text), code)
        return left

    def members(self, bits: int) -> np.ndarray:
        """int64 [k]: indices of the words of a set, in the order of the list."""
        raw = np.frombuffer(bits.to_bytes((len(self.list) + 7) // 8, "little"), np.uint8)
        return np.flatnonzero(np.unpackbits(raw, bitorder="little"))


def as_bits(chosen: np.ndarray) -> int:
    """A set from a bool array [n]."""
    return int.from_bytes(np.packbits(chosen, bitorder="little").tobytes(), "little")


@lru_cache(maxsize=16)
def words_of(vocabulary: str | tuple[str, ...]) -> Words:
    """A shipped list by name, a text file with a word per line, or the words themselves.

    Raises:
        UnknownName: neither a shipped list nor a file.
        TurnwiseError: an entry that is not a five-letter word.
    """
    if not isinstance(vocabulary, str):
        return Words(vocabulary)
    shipped = {f.name.removesuffix(".txt"): f for f in _shelf().iterdir() if f.name.endswith(".txt")}
    if vocabulary not in shipped and not Path(vocabulary).is_file():
        raise UnknownName("word list", vocabulary, shipped, "or give the path of a text file with a word per line")
    text = (shipped.get(vocabulary) or Path(vocabulary)).read_text("utf-8")
    return Words(text.split())


def _shelf():
    return resources.files("turnwise.worlds") / "data" / "wordle"
