"""A small search engine: BM25 over an inverted index, with relevance feedback (specs/users/convsim).

    score(d) = sum over terms of  weight * idf * tf (k1 + 1) / (tf + k1 (1 - b + b |d| / mean |d|))
    idf      = ln(1 + (N - df + 0.5) / (df + 0.5))

Equal scores are broken by a fixed number of each document, drawn once (specs/users/genir).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from turnwise.core.chance import uniform_of

K1, B = 4.46, 0.82
"""Of the sheet."""
TURNED_DOWN, LIKED = 6.0, 12.0
"""What a document loses each time that it is said to be wrong, and gains when it is said to be closer (ours)."""
DENIED = 0.5
"""Weight of a term that was denied (ours)."""

WORD = re.compile(r"[a-z0-9]+")
STOPPED = (
    "a about all also am an and any are aren as at be been but by can cannot could couldn did didn do does doesn doing "
    "don dont for from get had has have having he her here him his how i id if im in interested into is isn it its ive "
    "just kind know like looking me more most my need no none not of on one only or other our out over please see she "
    "should so some something specific such than that thats the their them then there these they this those to too up "
    "us want was wasn way we were what when where which who why will with would yes you your find information search "
    "maybe sure possibly neither either both related tell t s"
)
STOPWORDS = frozenset(STOPPED.split())


@lru_cache(maxsize=1 << 16)
def terms_of(text: str) -> tuple[str, ...]:
    """The content words of a text, without a plural's ending."""
    return tuple(singular(word) for word in WORD.findall(text.casefold().replace("'", "")) if word not in STOPWORDS)


def singular(word: str) -> str:
    """Harman's S stemmer."""
    if len(word) > 4 and word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "us" else word


@dataclass(frozen=True)
class Query:
    """What is searched for: terms, each as often as it was said, and documents that were spoken of."""

    terms: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()  # of questions to which the answer was no
    against: tuple[int, ...] = ()  # said to be wrong, once each time
    liked: tuple[int, ...] = ()  # said to be closer

    def plus(self, text: str) -> Query:
        """Text appended, as the pipeline does with an answer."""
        more = terms_of(text)
        return replace(self, terms=(*self.terms, *more)) if more else self

    def minus(self, terms: Iterable[str]) -> Query:
        """After terms were denied."""
        return replace(self, denied=(*self.denied, *terms))

    def judged(self, against: Iterable[int], liked: Iterable[int] = ()) -> Query:
        """After somebody has said which of the documents shown are wrong, and which is closer."""
        return replace(self, against=(*self.against, *against), liked=(*self.liked, *liked))


class Index:
    """Documents to rank.

    Args:
        bodies: what each document is found by.
    """

    def __init__(self, bodies: Sequence[str], k1: float = K1, b: float = B):
        counts = [Counter(terms_of(body)) for body in bodies]
        lengths = np.array([count.total() for count in counts], np.float64)
        norms = k1 * (1.0 - b + b * lengths / lengths.mean())
        held: dict[str, list[tuple[int, int]]] = {}
        for number, count in enumerate(counts):
            for term, times in count.items():
                held.setdefault(term, []).append((number, times))
        self.size, self.terms = len(bodies), [frozenset(count) for count in counts]
        self.postings = {term: _impacts(pairs, norms, k1, self.size) for term, pairs in held.items()}
        self.ties = np.array([uniform_of("tie", number) for number in range(self.size)]) * 1e-9
        self.order = lru_cache(maxsize=1 << 12)(self._order)

    def idf(self, term: str) -> float:
        """How rare a term is; 0 where no document has it."""
        return _idf(len(self.postings[term][0]), self.size) if term in self.postings else 0.0

    def scores(self, query: Query) -> np.ndarray:
        """float64 [documents]."""
        found = self.ties.copy()
        for term in query.terms:
            if (posting := self.postings.get(term)) is not None:
                found[posting[0]] += posting[1]
        for term in query.denied:
            if (posting := self.postings.get(term)) is not None:
                found[posting[0]] -= DENIED * posting[1]
        for document in query.against:
            found[document] -= TURNED_DOWN
        for document in query.liked:
            found[document] += LIKED
        return found

    def _order(self, query: Query) -> np.ndarray:
        """Documents, best first: int16 [documents] (called as `order`, which remembers)."""
        return np.argsort(-self.scores(query)).astype(np.int16)

    def best(self, query: Query, count: int) -> tuple[int, ...]:
        """The documents that stand first."""
        return tuple(self.order(query)[:count].tolist())

    def rank(self, query: Query, document: int) -> int:
        """Where a document stands, from 1."""
        return int(np.flatnonzero(self.order(query) == document)[0]) + 1


def _idf(df: int, size: int) -> float:
    return math.log(1.0 + (size - df + 0.5) / (df + 0.5))


def _impacts(
    pairs: Sequence[tuple[int, int]], norms: np.ndarray, k1: float, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Documents that have a term, and what it adds to the score of each."""
    numbers = np.array([number for number, _ in pairs])
    times = np.array([count for _, count in pairs], np.float64)
    return numbers, _idf(len(pairs), size) * times * (k1 + 1.0) / (times + norms[numbers])


def ndcg(gains: Sequence[float], ideal: Sequence[float], k: int = 3) -> float:
    """nDCG@k = DCG@k / ideal DCG@k, with DCG@k = sum over i = 1..k of gain_i / log2(i + 1) (specs/users/convsim).

    Args:
        gains: of the ranking, best rank first.
        ideal: of all documents there are, in any order.
    """
    best = _dcg(sorted(ideal, reverse=True)[:k])
    return _dcg(gains[:k]) / best if best else 0.0


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))
