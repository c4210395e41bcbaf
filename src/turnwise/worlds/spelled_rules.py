"""spelled: acts of several letters, worth something only as whole words, with exact values after every letter.

Two doors stand in a row, and a turn says a word of three letters. Each door has a word that opens it, and words that
begin like it open it sometimes; a word that begins like it and ends in the alarm letter of the door ends everything.
All other words do nothing. So a good first letter is worth something, and what, hangs on the letters still to come.

`problem` has a word as an action, `letters` a letter; both are the same game.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from turnwise.worlds.tabular import Tabular
from turnwise.worlds.unfold import Outcome, unfold

TURNS, LENGTH, LUCK = 5, 3, 0.3
LETTERS = "abc"
WORDS = tuple("".join(word) for word in product(LETTERS, repeat=LENGTH))
DOORS = (("acb", "a"), ("bca", "c"))
"""Per door: the word that opens it, and its alarm letter."""


class State(NamedTuple):
    t: int  # turns taken
    door: int
    prefix: str = ""  # letters of this turn's word so far; always empty where a word is one action


def opens(door: int, word: str) -> tuple[float, float]:
    """Probability that a word opens a door, and that it sets off the alarm."""
    key, alarm = DOORS[door]
    if word == key:
        return 1.0, 0.0
    if word[:-1] == key[:-1]:
        return (0.0, 1.0) if word[-1] == alarm else (LUCK, 0.0)
    return (LUCK / 2, 0.0) if word[0] == key[0] else (0.0, 0.0)


def say(state: State, word: str) -> list[Outcome]:
    """The last door earns 1 and ends it; an alarm and the last turn end with 0."""
    t, door, _ = state
    through, alarm = opens(door, word)
    last, won = t == TURNS - 1, door == len(DOORS) - 1
    ahead = None if last or won else State(t + 1, door + 1)
    stay = None if last else State(t + 1, door)
    return [
        Outcome(ahead, through, float(won)),
        Outcome(None, alarm),
        Outcome(stay, 1.0 - through - alarm),
    ]


def rules(state: State, action: int) -> list[Outcome]:
    """A turn at once."""
    return say(state, WORDS[action])


def letter_rules(state: State, action: int) -> list[Outcome]:
    """A turn letter by letter: nothing happens before the word is complete."""
    word = state.prefix + LETTERS[action]
    return say(state, word) if len(word) == LENGTH else [Outcome(state._replace(prefix=word))]


def look(state: State) -> tuple[int, str]:
    """A state without its time."""
    return state.door, state.prefix


@lru_cache
def problem() -> Tabular:
    """9 states, 27 actions, one task."""
    return unfold("spelled", WORDS, {"doors": State(0, 0)}, rules, look)


@lru_cache
def letters() -> Tabular:
    """117 states, 3 actions: the same game with a decision per letter."""
    return unfold("spelled letters", tuple(LETTERS), {"doors": State(0, 0)}, letter_rules, look)


def word_law(letter_law: np.ndarray) -> np.ndarray:
    """float64 [9, 27], the words that letters of a law, float64 [117, 3], come to spell."""
    number = {point: s for s, point in enumerate(letters().points)}
    law = np.ones((len(problem().points), len(WORDS)))
    for s, point in enumerate(problem().points):
        for w, word in enumerate(WORDS):
            for at, letter in enumerate(word):
                law[s, w] *= letter_law[number[point._replace(prefix=word[:at])], LETTERS.index(letter)]
    return law


def letter_law(law: np.ndarray) -> np.ndarray:
    """float64 [117, 3], the law of each letter given those before it, of a law over words, float64 [9, 27].

    Letters after a beginning that is never said get a uniform law.
    """
    number = {point: s for s, point in enumerate(problem().points)}
    found = np.full((len(letters().points), len(LETTERS)), 1.0 / len(LETTERS))
    for s, point in enumerate(letters().points):
        of_words = law[number[point._replace(prefix="")]]
        mass = [sum(of_words[w] for w, word in enumerate(WORDS) if word.startswith(point.prefix + x)) for x in LETTERS]
        if sum(mass) > 0.0:
            found[s] = np.array(mass) / sum(mass)
    return found
