"""Which paths of a tree are fair draws of the policy.

Explorers branch where something was found: a reply that was unsure, a turn that looked promising. Paths behind such
forks are more than the policy's own law would have, and the mean over all paths is no estimate of how it plays. What
was played from the prompt on without being chosen is: at every fork the continuation that stood there first.
"""

from __future__ import annotations

from turnwise.core.types import ROOT, Episode


def lines(episode: Episode) -> list[int]:
    """Numbers of the leaves whose paths take the first continuation at every fork; all that begin at the prompt do.

    An episode without forks has one path, and it is one.
    """
    if len(episode.ends) == 1:
        return [0]
    first: dict[int, int] = {}
    for number, turn in enumerate(episode.turns):
        first.setdefault(turn.parent, number)

    def is_line(leaf: int) -> bool:
        turns = episode.turns
        return all(turns[i].parent == ROOT or first[turns[i].parent] == i for i in episode.path(leaf))

    return [leaf for leaf in range(len(episode.ends)) if is_line(leaf)]
