"""Which episodes are imitated (specs/learn/bc_family)."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode


def top_share(episodes: Sequence[Episode], share: float) -> list[Episode]:
    """The int(N * share) episodes with the highest return, best first; equal returns keep their order.

    Percent BC keeps 0.1 of a data set, online filtered BC 0.3 of each round (LMRL-Gym).
    """
    if not 0.0 < share <= 1.0:
        raise TurnwiseError(f"share = {share}", "a number above 0 and at most 1", "share=1.0 keeps everything")
    ranked = sorted(episodes, key=lambda e: -e.total())
    return ranked[: int(len(ranked) * share)] if share < 1.0 else list(episodes)


def successes(episodes: Sequence[Episode]) -> list[Episode]:
    """The episodes that reached a binary goal; unscored ones are left out."""
    return [e for e in episodes if e.success]
