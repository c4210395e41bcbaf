"""From search trees to what Agent-R imitates: good paths, revisions, and bad paths where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.types import End, Episode, Signal
from turnwise.explore.revision import Reviser
from turnwise.feedback import verdict
from turnwise.learn.revision import common, path_pairs, revision_signals
from turnwise.learn.sides import along
from turnwise.measure.first_error import Place, first_error

if TYPE_CHECKING:
    from turnwise.learn.weights.agent_r import Mixture

FirstBad = Callable[[Episode, int], Place]
"""From a tree and a leaf to the first bad act of that path, counted from 1; None where none was found."""


@dataclass(frozen=True)
class Mixer:
    """Makes a round's mixture.

    Args:
        first_bad: finds the mistake; None: the actor's own verdicts, among the round's signals.
        reviser: plays the revisions.
        alpha, beta: see `path_pairs`.
        revisions, good, bad, initial: of one tree, at most; initial ones are the first to end, however they went.
    """

    first_bad: FirstBad | None
    reviser: Reviser
    alpha: float
    beta: float
    revisions: int
    good: int
    bad: int
    initial: int = 0

    def mix(self, trees: Sequence[Episode], signals: Sequence[Signal] = ()) -> Mixture:
        """Good paths and revisions of all trees, with the mask, and what became of the pairs."""
        from turnwise.learn.weights.agent_r import Mixture

        made, places, backs, judged = Mixture(), list[int](), list[int](), 0
        for tree in trees:
            made.episodes += self._whole(tree)
            for episode, first_bad, back in self._revised(tree, self.first_bad or said_by_actor(signals)):
                made.episodes.append(episode)
                made.signals += revision_signals(episode, first_bad)
                places.append(first_bad)
                backs.append(back)
            judged += len({pair.bad for pair in path_pairs(tree, self.alpha, self.beta)})
        made.signals += [s for e in made.episodes if not e.id.count("/revision") for s in revision_signals(e, 0)]
        made.told = {"revisions": float(len(places)), "bad_paths": float(judged), "imitated": float(len(made.episodes))}
        made.told |= {f"verdict_{word}": share for word, share in verdict.shares(signals).items()}
        if places:
            made.told |= {"first_bad": float(np.mean(places)), "way_back": float(np.mean(backs))}
        return made

    def _whole(self, tree: Episode) -> list[Episode]:
        """The best paths above alpha, and, where they are wanted, the first of the tree and the worst of the pairs,
        imitated as they are.
        """
        pairs = path_pairs(tree, self.alpha, self.beta)
        scores = {n: tree.total(leaf=n) for n, leaf in enumerate(tree.ends) if leaf.end.terminal}
        best = sorted((n for n, score in scores.items() if score > self.alpha), key=lambda n: -scores[n])
        worst = list(dict.fromkeys(pair.bad for pair in pairs))
        first = [n for n, leaf in enumerate(tree.ends) if leaf.end is not End.ERROR]
        chosen = dict.fromkeys([*first[: self.initial], *best[: self.good], *worst[: self.bad]])
        return [replace(along(tree, n), id=f"{tree.id}/{n}") for n in chosen]

    def _revised(self, tree: Episode, first_bad: FirstBad) -> list[tuple[Episode, int, int]]:
        """(revision, first bad act, acts of the way back), of different mistakes."""
        found: list[tuple[Episode, int, int]] = []
        tried: set[int] = set()
        for pair in path_pairs(tree, self.alpha, self.beta):
            if len(found) == self.revisions:
                break
            place, path = first_bad(tree, pair.bad), tree.path(pair.bad)
            if place is None or path[place - 1] in tried:
                continue
            together = common(pair, place)
            if together >= place:
                continue  # the good path makes the same mistake
            bad = [tree.turns[i] for i in path[:place]]
            good = [tree.turns[i] for i in tree.path(pair.good)[together:]]
            revised = self.reviser.revise(tree, bad, good, f"revision {pair.good}-{pair.bad}") if good else None
            if revised is not None:
                tried.add(path[place - 1])
                found.append((revised[0], place, revised[1]))
        return found


def said_by_actor(signals: Sequence[Signal]) -> FirstBad:
    """The first act of a path that the actor itself called bad."""
    return lambda tree, leaf: first_error(verdict.labels(signals, tree, leaf))
