"""How alike two short texts are: smoothed sentence BLEU over words.

    BLEU = min(1, exp(1 - |reference| / |text|)) * (prod_n p_n) ** (1/N)      p_n = (matches + 1) / (n-grams + 1), n > 1

Source: Lin and Och 2004 (smoothing by one above unigrams). SPORT's code calls it on raw strings, and so compares
characters (specs/learn/sport, pitfalls).
"""

from __future__ import annotations

import math
from collections import Counter


def bleu(text: str, reference: str, most: int = 4) -> float:
    """0 to 1; 1 for the same words. Two empty texts are the same.

    Args:
        most: longest n-gram; shorter texts are compared up to their own length.
    """
    ours, theirs = text.split(), reference.split()
    if not ours or not theirs:
        return float(ours == theirs)
    logs = []
    for n in range(1, min(most, len(ours), len(theirs)) + 1):
        mine, other = grams(ours, n), grams(theirs, n)
        smooth = int(n > 1)
        precision = (sum((mine & other).values()) + smooth) / (sum(mine.values()) + smooth)
        if not precision:
            return 0.0
        logs.append(math.log(precision))
    return min(1.0, math.exp(1.0 - len(theirs) / len(ours))) * math.exp(sum(logs) / len(logs))


def grams(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    """Runs of n words, counted."""
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
