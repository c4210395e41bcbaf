"""How probable each option is, from word statistics of the records to train on: small knowledge, honestly calibrated.

    score(option) = mean over its words o of [ w(., o) + sum over words x heard of w(x, o) ]
    w(x, o) = log( (right(x, o) + a / 4) / (any(x, o) + a) * 4 )
    P(option) = softmax over the options of heat * score

right(x, o) counts records whose right option has o and whose record has x, any(x, o) their options that have o; w(., o)
is the same over all records. The heat is the one of least log loss on half of the records when the words are counted
on the other half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from turnwise.worlds.ask_or_answer_records import Record, records, split_of, words

SMOOTHING = 2.0
LEAST = 20
"""Words of fewer records than this tell nothing."""

HEATS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
OPTIONS = 4


@dataclass(frozen=True, eq=False)
class Statistics:
    """Weights of words for words."""

    heard: Mapping[str, int]  # word of a record -> row; row 0 is every record
    named: Mapping[str, int]  # word of an option -> column
    weights: np.ndarray  # float64 [X, O]: w(x, o)
    held: np.ndarray  # float64 [X]: share of records that have a word
    heat: float = 1.0

    def scores(self, options: Sequence[str], about: Iterable[str]) -> np.ndarray:
        """float64 [4]: scores of the options after these words."""
        return self.moves(options)[[0, *sorted(self.heard[x] for x in about if x in self.heard)]].sum(0)

    def chances(self, options: Sequence[str], about: Iterable[str]) -> np.ndarray:
        """float64 [4]: P(option)."""
        return softmax(self.heat * self.scores(options, about))

    def moves(self, options: Sequence[str]) -> np.ndarray:
        """float64 [X, 4]: what each word adds to the score of each option."""
        return _moves(self, tuple(options))


@lru_cache(maxsize=256)
def _moves(of: Statistics, options: tuple[str, ...]) -> np.ndarray:
    """What `moves` remembers: every turn of a conversation is about the same options."""
    columns = ([of.named[o] for o in sorted(words(option)) if o in of.named] for option in options)
    means = [of.weights[:, at].mean(1) if at else np.zeros(len(of.weights)) for at in columns]
    return np.stack(means, axis=1)


def softmax(scores: np.ndarray) -> np.ndarray:
    """float64, sums to 1 over the last axis."""
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def read(record: Record) -> frozenset[str]:
    """The words of a whole record."""
    return words(" ".join((record.question, *record.context)))


def counted(some: Sequence[Record], heat: float = 1.0) -> Statistics:
    """Statistics of some records."""
    number = Counter(x for record in some for x in read(record))
    kept = sorted(x for x, count in number.items() if count >= LEAST and x.isalpha())
    heard = {x: at for at, x in enumerate(["", *kept])}
    named = {o: at for at, o in enumerate(sorted({o for r in some for option in r.options for o in words(option)}))}
    has = np.zeros((len(some), len(heard)), np.float32)  # [N, X]
    right, every = (np.zeros((len(some), len(named)), np.float32) for _ in range(2))  # [N, O]
    for row, record in enumerate(some):
        has[row, [0, *(heard[x] for x in read(record) if x in heard)]] = 1.0
        for at, option in enumerate(record.options):
            columns = [named[o] for o in words(option)]
            every[row, columns] += 1.0
            right[row, columns] += at == record.answer
    right, every = has.T @ right, has.T @ every
    weights = np.log((right + SMOOTHING / OPTIONS) / (every + SMOOTHING) * OPTIONS)
    held = np.array([1.0, *(number[x] / len(some) for x in kept)])
    return Statistics(heard, named, weights, held, heat)


@lru_cache(maxsize=1)
def statistics() -> Statistics:
    """Of all records to train on, both sets."""
    train = [record for name in ("medqa", "craft") for record in records(name) if split_of(record) == "train"]
    half, rest = counted(train[::2]), train[1::2]
    scores = np.array([half.scores(record.options, read(record)) for record in rest])
    at = np.arange(len(rest)), np.array([record.answer for record in rest])
    losses = [-np.log(softmax(heat * scores)[at]).mean() for heat in HEATS]
    return counted(train, HEATS[int(np.argmin(losses))])


@lru_cache(maxsize=1 << 11)
def topics(options: tuple[str, ...], most: int = 60) -> tuple[str, ...]:
    """Words worth asking about: those that move the options apart most, by how often a record has them."""
    of = statistics()
    worth = of.held * of.moves(options).var(1)
    ranked = np.argsort(-worth[1:], kind="stable")[:most]
    names = tuple(of.heard)[1:]
    return tuple(names[at] for at in ranked)
