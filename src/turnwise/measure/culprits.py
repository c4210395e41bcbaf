"""Whose fault failed conversations are: the culprits that worlds with simulated people find, counted."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.core.types import End, Episode
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import success_rate

CULPRITS = ("agent", "user", "world", "limit")
NOTED = "events"
"""A fact of every turn in a world with people: what their knobs did."""


def culprit_of(episode: Episode, leaf: int = 0) -> str | None:
    """Whose fault a path is; None where it succeeded, or there were no people whose rules could tell.

    A path that broke is the world's, one that an outer budget cut is the limit's, and one that the agent walked away
    from is its own.
    """
    end = episode.ends[leaf]
    if "culprit" in end.facts:
        return end.facts["culprit"]
    if episode.succeeded(leaf) or not any(NOTED in episode.turns[i].facts for i in episode.path(leaf)):
        return None
    if end.end is End.ERROR:
        return "world"
    return "agent" if end.end in (End.LEFT, End.REFUSED) else "limit"


def culprit_shares(episodes: Sequence[Episode]) -> dict[str, Estimate]:
    """Culprit -> its share of the failed episodes, with an interval clustered by task; empty where none has one.

    The shares sum to 1.
    """
    found = [(culprit_of(episode), episode.task.key) for episode in episodes]
    blamed = [(culprit, task) for culprit, task in found if culprit is not None]
    tasks = [task for _, task in blamed]
    return {name: success_rate([float(c == name) for c, _ in blamed], tasks) for name in CULPRITS} if blamed else {}
