"""Which episodes are imitated (specs/learn/bc_family)."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.core.errors import TurnwiseError
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
    return sorted(scored, key=lambda e: -e.total())[:count] if share < 1.0 else scored


def check_share(share: float) -> None:
    """Refuse what is no share."""
    if not 0.0 < share <= 1.0:
        raise TurnwiseError(f"share = {share}", "a number above 0 and at most 1", "share=1.0 keeps everything")
