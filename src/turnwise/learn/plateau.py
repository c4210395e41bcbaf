"""When nothing gets better any more: the best of the last rounds is no better than the best before them
(specs/learn/bfs_prover_v2: "schedule by stall, not by round number").
"""

from __future__ import annotations

from collections.abc import Sequence


def stalled(rates: Sequence[float], patience: int, rise: float = 0.0) -> bool:
    """Whether the last `patience` rounds brought nothing more than `rise` above the best before them.

    Args:
        rates: what should rise, oldest first.
        patience: 0 never stalls.
    """
    if not patience or len(rates) <= patience:
        return False
    return max(rates[-patience:]) <= max(rates[:-patience]) + rise
