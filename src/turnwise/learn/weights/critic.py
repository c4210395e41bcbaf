"""The critic's side of learning: where it starts, what it is taught while the policy imitates, and how its error is scaled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from turnwise.core.types import Episode
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.learn.credited import credit_table
from turnwise.learn.sequences import Row
from turnwise.models.policy import Policy


def start_at_mean(policy: Policy, targets: Sequence[np.ndarray]) -> None:
    """Let a critic that has learned nothing yet (all zero) begin at the mean of its first targets, in reward units."""
    head, known = policy.value_head, np.concatenate(targets)
    if head is None or not len(known) or bool(head.weight.any()) or bool(head.bias.any()):
        return
    with torch.no_grad():
        head.bias.fill_(float(known.mean()))


def spread(targets: Sequence[np.ndarray]) -> float:
    """Variance of the targets: errors are divided by it, so that the size of rewards does not set the size of steps."""
    known = np.concatenate(targets) if len(targets) else np.zeros(0)
    return max(float(known.var()), 1e-6) if len(known) else 1.0


def monte_carlo(
    episodes: Sequence[Episode], rows: Sequence[Row], gamma: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What a critic can be taught from finished episodes alone: the reward-to-go at the state before each turn.

    Returns:
        Per row, positions int64 [V] and targets float32 [V].
    """
    table = credit_table(RewardToGo(gamma=gamma), episodes, rows, None)
    read = [np.asarray([s.start - 1 for s in row.spans], np.int64) for row in rows]
    told = [np.asarray([table.values[row.episode][s.turn] for s in row.spans], np.float32) for row in rows]
    return read, told
