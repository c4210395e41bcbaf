"""What a policy finds hard: the samples whose right reply it thinks least likely (specs/learn/itool).

ppl(x) = exp( mean over the reply's tokens of -log pi )
with a call and without one apart, each class keeps its int(share * n) samples of the highest ppl
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from turnwise.core.errors import TurnwiseError


def perplexity(logp: float, tokens: int) -> float:
    """Of a reply: 1 where it is certain."""
    return float(np.exp(-logp / tokens))


def hardest(perplexities: Sequence[float], classes: Sequence[Hashable], share: float) -> list[int]:
    """The samples that are kept, hardest first in each class: 10 and 5 keep 3 and 1 with a share of 0.3."""
    ppl = np.asarray(perplexities, np.float64)
    return [i for of_class, count in kept(classes, share) for i in sorted(of_class, key=lambda i: -ppl[i])[:count]]


def anybody(rng: np.random.Generator, classes: Sequence[Hashable], share: float) -> list[int]:
    """As many of each class, drawn evenly."""
    return [int(i) for of_class, count in kept(classes, share) for i in rng.permutation(of_class)[:count]]


def kept(classes: Sequence[Hashable], share: float) -> list[tuple[list[int], int]]:
    """Per class its samples and how many of them are kept."""
    if not 0.0 < share <= 1.0:
        raise TurnwiseError(f"share = {share}", "a number above 0 and at most 1", "1 keeps everything")
    members: dict[Hashable, list[int]] = {}
    for number, name in enumerate(classes):
        members.setdefault(name, []).append(number)
    return [(of_class, int(share * len(of_class) + 1e-9)) for of_class in members.values()]


def kept_again(now: Sequence[str], before: Sequence[str]) -> float:
    """Share of what is kept now that was kept before, too."""
    return len(set(now) & set(before)) / len(set(now)) if now else 0.0
