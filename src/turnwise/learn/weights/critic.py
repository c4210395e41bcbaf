"""The critic's side of learning: where it reads and what it is told, where it starts, and how its error is scaled."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from turnwise.core.types import CreditTable, Episode
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.learn.credited import credit_table, on_rows
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


def critic_targets(table: CreditTable, rows: Sequence[Row]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Where the critic learns and what: a turn rule at the state before each turn, a token rule before each sampled
    token; only where the policy learns too.

    Returns:
        Per row, positions int64 [V] and targets float32 [V]; none without targets.
    """
    if table.targets is None:
        return [np.zeros(0, np.int64)] * len(rows), [np.zeros(0, np.float32)] * len(rows)
    laid = on_rows(table.targets, rows)
    read = []
    for row in rows:
        if table.unit == "turn":
            first = [s.start for s in row.spans if row.loss[s.start : s.end].any()]
            read.append(np.asarray(first, np.int64) - 1)
        else:
            read.append(np.flatnonzero(row.loss) - 1)
    return read, [target[where + 1] for target, where in zip(laid, read, strict=True)]


def monte_carlo(
    episodes: Sequence[Episode], rows: Sequence[Row], gamma: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What a critic can be taught from finished episodes alone: the reward-to-go at the state before each turn.

    Returns:
        As `critic_targets`.
    """
    table = credit_table(RewardToGo(gamma=gamma), episodes, rows, None)
    return critic_targets(dataclasses.replace(table, targets=table.values), rows)
