"""The middle of what was found: turns that the policy neither knows already nor takes for noise
(specs/learn/bfs_prover_v2).

    nll(turn) = - mean log pi(token)        under the current policy
    keep      quantile(low) <= nll <= quantile(high)

Quantiles interpolate linearly, and are taken over all turns at hand; low 0 and high 1 keep everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Signal
from turnwise.learn.sequences import Row

NAME = "band"
"""Signal of a turn: 0 inside the band, -1 outside it."""


def in_band(nll_T: np.ndarray, low: float, high: float) -> np.ndarray:
    """bool (T,): 0.2 and 0.8 keep the three in the middle of (0.1, 0.5, 0.9, 1.3, 4.0)."""
    check_band(low, high)
    if not len(nll_T):
        return np.zeros(0, bool)
    least, most = np.quantile(nll_T, [low, high])
    return (nll_T >= least) & (nll_T <= most)


def turn_nll(rows: Sequence[Row], logp: Sequence[np.ndarray]) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Where the turns with loss are, (episode, turn), and the nll of each, in nats per token.

    Args:
        rows: of straight episodes.
        logp: per row, log-probability of its loss tokens, in their order.
    """
    places, found = [], []
    for row, said in zip(rows, logp, strict=True):
        of_token = np.zeros(len(row))
        of_token[row.loss] = said
        for span in row.spans:
            loss = row.loss[span.start : span.end]
            if loss.any():
                places.append((row.episode, span.turn))
                found.append(-of_token[span.start : span.end][loss].mean())
    return places, np.asarray(found, np.float64)


def band_signals(
    episodes: Sequence[Episode], places: Sequence[tuple[int, int]], nll_T: np.ndarray, low: float, high: float
) -> list[Signal]:
    """A signal per turn, for a learner that leaves out what is judged below 0."""
    inside = in_band(nll_T, low, high)
    return [
        Signal(episodes[e].id, NAME, turn, value=0.0 if kept else -1.0, source="nll")
        for (e, turn), kept in zip(places, inside, strict=True)
    ]


def check_band(low: float, high: float) -> None:
    """Refuse what is no band."""
    if not 0.0 <= low < high <= 1.0:
        raise TurnwiseError(
            f"a band from {low} to {high}", "quantiles: 0 <= low < high <= 1", "0 and 1 keep everything"
        )
