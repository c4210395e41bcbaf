"""Which episodes are imitated (specs/learn/bc_family)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import End, Episode


def top_share(episodes: Sequence[Episode], share: float) -> list[Episode]:
    """The int(N * share) episodes with the highest return, best first; equal returns keep their order. Those that
    broke are not among the N: their return says nothing.

    Percent BC keeps 0.1 of a data set, online filtered BC 0.3 of each round (LMRL-Gym).

    Raises:
        TurnwiseError: the share is no share, or keeps none of the episodes.
    """
    check_share(share)
    scored = [e for e in episodes if e.ends[0].end is not End.ERROR]
    count = int(len(scored) * share)
    if not count:
        raise TurnwiseError(
            f"share = {share} of {len(scored)} episodes keeps none",
            "at least one episode to imitate",
            "raise share, or collect more episodes",
        )
    return best(scored, count)


def top_share_per_task(episodes: Sequence[Episode], share: float) -> list[Episode]:
    """The best share of each task's episodes, at least one of each, in the order in which the tasks came.

    Over a whole data set easy tasks fill the best share, and what hard ones need is never imitated; the sheet names
    this as a pitfall of percent BC, LMRL-Gym has no such filter.
    """
    check_share(share)
    by_task: dict[str, list[Episode]] = {}
    for episode in episodes:
        if episode.ends[0].end is not End.ERROR:
            by_task.setdefault(episode.task.key, []).append(episode)
    return [e for of_task in by_task.values() for e in best(of_task, max(1, int(len(of_task) * share)))]


def best(episodes: Sequence[Episode], count: int) -> list[Episode]:
    """The `count` episodes with the highest return, best first; all of them in the order in which they came."""
    return list(episodes) if count >= len(episodes) else sorted(episodes, key=lambda e: -e.total())[:count]


def check_share(share: float) -> None:
    """Refuse what is no share."""
    if not 0.0 < share <= 1.0:
        raise TurnwiseError(f"share = {share}", "a number above 0 and at most 1", "share=1.0 keeps everything")


FILTERS: dict[str, Callable[[Sequence[Episode], float], list[Episode]]] = {
    "data": top_share,
    "task": top_share_per_task,
}
"""What is ranked together: all episodes, or those of one task."""


def check_ranking(name: str) -> None:
    """Refuse a misspelt one."""
    if name not in FILTERS:
        raise UnknownName("ranking", name, FILTERS)
