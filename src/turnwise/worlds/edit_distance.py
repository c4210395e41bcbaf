"""Levenshtein distance over words, which is what an edit costs (specs/plan/cipher)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache


def edit_cost(draft: str, edited: str) -> int:
    """Fewest words to insert, delete or replace so that the draft becomes the edited text; white space is no matter."""
    return 0 if draft == edited else _cost(draft, edited)


@lru_cache(maxsize=1 << 16)
def _cost(draft: str, edited: str) -> int:
    a, b = draft.split(), edited.split()
    shorter, begin, end = min(len(a), len(b)), 0, 0
    while begin < shorter and a[begin] == b[begin]:
        begin += 1
    while end < shorter - begin and a[-1 - end] == b[-1 - end]:
        end += 1
    return levenshtein(a[begin : len(a) - end], b[begin : len(b) - end])


def levenshtein(a: Sequence[str], b: Sequence[str]) -> int:
    """Unit costs. A column of the table is kept as two words of bits, where it rises and where it falls, so that one
    step takes a few operations on integers instead of one per cell (Myers, JACM 1999; Hyyrö 2001).
    """
    if not a:
        return len(b)
    places: dict[str, int] = {}
    for place, token in enumerate(a):
        places[token] = places.get(token, 0) | 1 << place
    mask, last, distance = (1 << len(a)) - 1, 1 << (len(a) - 1), len(a)
    rises, falls = mask, 0
    for token in b:
        equal = places.get(token, 0)
        vertical = equal | falls
        equal |= ((equal & rises) + rises) ^ rises
        grows = falls | ~(equal | rises) & mask
        shrinks = rises & equal
        distance += bool(grows & last) - bool(shrinks & last)
        grows, shrinks = (grows << 1 | 1) & mask, shrinks << 1 & mask
        rises, falls = shrinks | ~(vertical | grows) & mask, grows & vertical
    return distance
