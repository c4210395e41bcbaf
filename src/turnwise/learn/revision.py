"""What a revision is made of: a good and a bad path of one tree, the first bad act, and where to cut
(specs/learn/agent_r).

    pairs   (g, b) of one tree with  score(g) - score(b) > beta  and  score(g) > alpha          both strict
    cut     b_1 .. b_k, k the first bad act;  the way back;  g's acts after those that both paths begin with
    loss    0 on b_1 .. b_k, 1 on everything the agent says from there on

A leaf of our searches is walked to once, so its score is its return, sum and mean alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turnwise.core.types import End, Episode, Signal

NAME = "revision"
"""Signal of a turn: -1 where it is part of the bad beginning, 0 from the way back on."""


@dataclass(frozen=True, slots=True)
class PathPair:
    """Two leaves of one tree."""

    tree: Episode
    good: int
    bad: int


def path_pairs(tree: Episode, alpha: float, beta: float) -> list[PathPair]:
    """All ordered pairs, the largest difference first; paths that were cut or broke have no score.

    Args:
        alpha: what the good path must earn more than; a tree without such a path has no pair.
        beta: what it must earn more than the bad one.
    """
    scores = {n: tree.total(leaf=n) for n, leaf in enumerate(tree.ends) if leaf.end in (End.DONE, End.TURNS)}
    done = {n: score for n, score in scores.items() if tree.ends[n].end is End.DONE}
    found = [(score - low, g, b) for g, score in done.items() if score > alpha for b, low in scores.items()]
    kept = sorted((-gap, g, b) for gap, g, b in found if gap > beta)
    return [PathPair(tree, g, b) for _, g, b in kept]


def common(pair: PathPair, most: int) -> int:
    """Acts that both paths begin with, at most so many: the same turn, or the same words to the same words."""
    turns = pair.tree.turns
    together = 0
    for one, other in zip(pair.tree.path(pair.good), pair.tree.path(pair.bad)[:most], strict=False):
        same = turns[one].message.text == turns[other].message.text and turns[one].seen == turns[other].seen
        if one != other and not same:
            break
        together += 1
    return together


def tree_labels(tree: Episode, leaf: int, drop: float, least: int = 2) -> list[str]:
    """good, uncertain or bad for every act of a path, from the tree alone: an act is bad where the mean return of the
    paths below it lies more than `drop` under that of the paths below the act before.

    Args:
        least: paths below an act without which it is uncertain.
    """
    through: dict[int, list[float]] = {}
    returns = []
    for n, end in enumerate(tree.ends):
        if end.end is not End.ERROR:
            returns.append(tree.total(leaf=n))
            for turn in tree.path(n):
                through.setdefault(turn, []).append(returns[-1])
    labels, before = [], float(np.mean(returns)) if returns else 0.0
    for turn in tree.path(leaf):
        below = through.get(turn, [before])
        worth = float(np.mean(below))
        labels.append("uncertain" if len(below) < least else "bad" if before - worth > drop else "good")
        before = worth
    return labels


def revision_signals(episode: Episode, first_bad: int) -> list[Signal]:
    """The mask, stored: which turns of a revision are the mistake."""
    return [
        Signal(episode.id, NAME, turn, value=-1.0 if turn < first_bad else 0.0, source="revision")
        for turn in range(len(episode.turns))
    ]
