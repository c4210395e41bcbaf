"""Scripted players of Twenty Questions, from clueless to near the ceiling; each reads the conversation alone.

A player is `next_question(history, rng) -> text`; as an expert of the world it does the same on what a seat sees.

Mean return and share of games won, own simulation, answers by the table (standard errors below 0.06 and 0.006):

    objects        splitter       noisy         random
    158 (all)     -7.00  1.00  -18.22  0.31  -19.66  0.03
    47 (small)    -5.25  1.00  -17.68  0.30  -18.88  0.10

The published data has -17.3 and 0.31, which no rate of random questions gives together; its oracle erred too. The
plain splitter, when an answer about an attribute is wrong with probability 0.3, comes to -17.54 and 0.30.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from turnwise.core.protocols import View
from turnwise.worlds.twenty_questions_oracle import remember
from turnwise.worlds.twenty_questions_table import Fact, Meaning, Table

T = TypeVar("T")

KINDS = (
    *("animal", "food", "furniture", "instrument", "worn", "tool"),
    *("electric", "sport", "vehicle", "natural", "office", "kitchen", "art"),
)
"""Attributes that say what kind of thing an object is; together they hold nearly all objects."""

RANDOM_RATE = {"all": 0.84, "small": 0.94}
"""Per set of objects, the rate of random questions at which the noisy splitter wins about 0.31 of its games."""


class Player:
    """What all players share: the table they know, and how they read a conversation."""

    def __init__(self, known: Table):
        self.known = known

    def next_question(self, history: Sequence[Fact], rng: np.random.Generator) -> str:
        """The text to say after these turns."""
        raise NotImplementedError

    def __call__(self, view: View, rng: np.random.Generator) -> str:
        texts = [message.text for message in view.messages if message.role in ("user", "assistant")][1:]
        return self.next_question(remember(zip(texts[::2], texts[1::2], strict=True)), rng) + "\n"

    def ask(self, attribute: str, rng: np.random.Generator) -> str:
        """One of the ways to ask for an attribute, uniform."""
        return choice(self.known.questions[attribute], rng)

    def guess(self, mask: int, rng: np.random.Generator) -> str:
        """One of the things of a set, in one of the ways to name it, uniform."""
        return choice(choice(self.known.members(mask), rng).questions, rng)


class Splitter(Player):
    """Asks what splits the things still possible most evenly, and guesses once at most two are left."""

    def next_question(self, history: Sequence[Fact], rng: np.random.Generator) -> str:
        left = self.known.fitting(history)
        asked = frozenset(about.name for about, _ in history if about and about.kind == "attribute")
        best = best_splits(self.known, left, asked) if left.bit_count() > 2 else ()
        return self.ask(choice(best, rng), rng) if best else self.guess(left, rng)


class RandomAsker(Player):
    """Ignores all answers: an attribute, or with probability `guess_rate` an object, uniform each time."""

    def __init__(self, known: Table, guess_rate: float = 0.25):
        super().__init__(known)
        self.guess_rate = guess_rate

    def next_question(self, history: Sequence[Fact], rng: np.random.Generator) -> str:
        if rng.random() < self.guess_rate:
            return self.guess(self.known.everything, rng)
        return self.ask(choice(self.known.attributes, rng), rng)


class NoisySplitter(Player):
    """The splitter, except that with probability `random_rate` it asks what the random asker would."""

    def __init__(self, known: Table, random_rate: float):
        super().__init__(known)
        self.random_rate = random_rate
        self.careful, self.careless = Splitter(known), RandomAsker(known)

    def next_question(self, history: Sequence[Fact], rng: np.random.Generator) -> str:
        player = self.careless if rng.random() < self.random_rate else self.careful
        return player.next_question(history, rng)


class Forgetful(Player):
    """A clumsy player with a routine and no memory: it goes round the kinds of things in one fixed order, names the
    things of a kind once it was answered yes, and goes on with the next kind after the last of them.

    It begins at any kind. Where it stands in the routine it knows from the last answer alone, and with probability
    `lapse` it did not listen and asks the same again. It knows `wordings` ways to put each question.
    """

    def __init__(self, known: Table, lapse: float = 0.6, wordings: int = 2):
        super().__init__(known)
        self.lapse, self.wordings = lapse, wordings
        self.routine = routine(known)

    def next_question(self, history: Sequence[Fact], rng: np.random.Generator) -> str:
        about = self.following(history[-1]) if history else Meaning("attribute", choice(KINDS, rng))
        if history and rng.random() < self.lapse and history[-1][0] in self.routine:
            about = history[-1][0]
        return choice(self.known.phrasings(about)[: self.wordings], rng)

    def following(self, last: Fact) -> Meaning:
        """What comes after an answer: after a no to a kind the things of that kind are passed over."""
        about, yes = last
        place = self.routine.index(about) + 1 if about in self.routine else 0
        if about and about.kind == "attribute" and not yes:
            while self.routine[place % len(self.routine)].kind != "attribute":
                place += 1
        return self.routine[place % len(self.routine)]


def routine(known: Table) -> tuple[Meaning, ...]:
    """Every kind, each followed by its things that belong to no kind before it."""
    steps, named = [], set()
    for key in KINDS:
        things = [thing.name for thing in known.members(known.masks[key]) if thing.name not in named]
        named.update(things)
        steps += [Meaning("attribute", key), *(Meaning("guess", name) for name in things)]
    return tuple(steps)


@lru_cache(maxsize=100_000)
def best_splits(known: Table, left: int, asked: frozenset[str]) -> tuple[str, ...]:
    """The attributes, not asked for before, that split a set most evenly; none if no attribute splits it."""
    size = left.bit_count()
    smaller = {}
    for key, mask in known.masks.items():
        having = (mask & left).bit_count()
        smaller[key] = 0 if key in asked else min(having, size - having)
    most = max(smaller.values())
    return tuple(key for key, part in smaller.items() if part == most) if most else ()


def choice(options: Sequence[T], rng: np.random.Generator) -> T:
    """One of the options, uniform."""
    return options[int(rng.integers(len(options)))]


EXPERTS = {
    "forgetful": lambda world: Forgetful(world.table),
    "noisy": lambda world: NoisySplitter(world.table, RANDOM_RATE[world.table.name]),
    "random": lambda world: RandomAsker(world.table),
    "splitter": lambda world: Splitter(world.table),
}
