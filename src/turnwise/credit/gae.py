"""Generalised advantage estimation over ragged sequences: what the turn and the token rule share."""

from __future__ import annotations

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import check_starts, next_in_piece, scan_back


def gae(
    rewards_N: np.ndarray,
    values_N: np.ndarray,
    starts_E1: np.ndarray,
    after_last_E: np.ndarray,
    gamma: float,
    lam: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Advantages and critic targets, every element a time step.

        delta_j = r_j + gamma * V_{j+1} - V_j;  A_j = delta_j + gamma * lam * A_{j+1};  target_j = A_j + V_j

    Args:
        rewards_N, values_N: reward of each step, and the critic's value of the state before it.
        starts_E1: offsets of the sequences.
        after_last_E: value of the state after each sequence's last step (see `value_after_last`).

    Reduces to return-to-go minus V at lam = 1, to the one-step error at lam = 0. Source: arXiv 1506.02438.
    """
    starts_E1 = check_starts(starts_E1, len(rewards_N), "starts_E1")
    if (len(values_N), len(after_last_E)) != (len(rewards_N), len(starts_E1) - 1):
        raise TurnwiseError(
            f"{len(values_N)} values for {len(rewards_N)} rewards, "
            f"{len(after_last_E)} endings for {len(starts_E1) - 1} episodes",
            "one value per reward (of the state before it) and one ending per episode",
            "what follows the last step goes into bootstrap_E, not into the values",
        )
    deltas_N = rewards_N + gamma * next_in_piece(values_N, starts_E1, after_last_E) - values_N
    advantages_N = scan_back(deltas_N, starts_E1, gamma * lam)
    return advantages_N, advantages_N + values_N


def value_after_last(done_E: np.ndarray, bootstrap_E: np.ndarray | None) -> np.ndarray:
    """What follows each episode: 0 where it is over, the critic's value of its last state where it was cut.

    Args:
        done_E: True where the world ended the episode, False where a budget, a crash or a departure cut it.
        bootstrap_E: value of the state after the last turn; only the entries of cut episodes are read.
    """
    cut_E = ~np.asarray(done_E, dtype=bool)
    if not cut_E.any():
        return np.zeros(len(cut_E))
    if bootstrap_E is None:
        raise TurnwiseError(
            f"{cut_E.sum()} of {len(cut_E)} episodes were cut (the first is number {np.argmax(cut_E)}), "
            "and no bootstrap value came with them",
            "bootstrap_E: the critic's value of the state after the last turn of each cut episode",
            "ask the critic for it, or mark an episode done only if nothing could have followed",
        )
    return np.where(cut_E, bootstrap_E, 0.0)
