"""The critic's side of learning: where it reads and what it is told, where it starts, and how its error is scaled."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from turnwise.core.types import CreditTable, Episode
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.learn.credited import credit_table, on_rows
from turnwise.learn.sequences import Row
from turnwise.learn.weights.plan import Lesson
from turnwise.models.policy import Policy


def set_unit(policy: Policy, targets: Sequence[np.ndarray], spreads: np.ndarray) -> None:
    """Let critics speak in units of the spread of what they are told; those that have learned nothing yet (all zero)
    begin at the mean of their first targets.

    Args:
        targets: [V] of one critic, [V, K] of several, in reward units.
        spreads: [K], variances.
    """
    head, known = policy.value_head, np.concatenate(targets) if len(targets) else np.zeros(0)
    if head is None or not len(known):
        return
    scale = torch.from_numpy(np.sqrt(spreads)).float()
    if head.untaught:
        head.begin(torch.from_numpy(known.reshape(len(known), -1).mean(0)).float(), scale)
    else:
        head.rescale(scale)


def spread(targets: Sequence[np.ndarray]) -> float:
    """Variance of the targets: errors are divided by it, so that the size of rewards does not set the size of steps."""
    known = np.concatenate(targets) if len(targets) else np.zeros(0)
    return max(float(known.var()), 1e-6) if len(known) else 1.0


class Unit:
    """What the errors of each critic are divided by: the largest variance of its targets in any round so far.

    A round's own would not do. Where reward is rare, a round without any has targets that differ by the critic's noise
    alone; where all is won, the few that are lost would count more the fewer they are. Either drowns what the policy is
    told.
    """

    def __init__(self) -> None:
        self.largest: list[float] = []

    def of(self, spreads: Sequence[float]) -> np.ndarray:
        """float64 [K] of a round in which the targets have these variances."""
        known = self.largest or [0.0] * len(spreads)
        self.largest = [max(pair) for pair in zip(spreads, known, strict=True)]
        return np.array(self.largest)

    def save(self, file: Path) -> None:
        """To the last bit."""
        file.write_text(json.dumps(self.largest) + "\n")

    def load(self, file: Path) -> None:
        """What `save` wrote."""
        self.largest = json.loads(file.read_text())


def critic_targets(table: CreditTable, rows: Sequence[Row]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Where the critic learns and what: a turn rule at the state before each turn, a token rule before each sampled
    token; only where the policy learns too, and where there is a target (nan: none).

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
    read = [where[~np.isnan(target[where + 1])] for target, where in zip(laid, read, strict=True)]
    return read, [target[where + 1] for target, where in zip(laid, read, strict=True)]


def lesson_of(table: CreditTable, rows: Sequence[Row], unit: Unit) -> Lesson:
    """What each critic of a table is told, the table's own one or those that it names."""
    told = [critic_targets(critic, rows) for critic in table.critics or (table,)]
    columns = list(zip(*(targets for _, targets in told), strict=True))
    spreads = unit.of([spread(targets) for _, targets in told])
    return Lesson(told[0][0], [np.stack(of_row, 1) for of_row in columns], spreads)


def monte_carlo(
    episodes: Sequence[Episode], rows: Sequence[Row], gamma: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What a critic can be taught from finished episodes alone: the reward-to-go at the state before each turn.

    Returns:
        As `critic_targets`; the rows of several seats stand one seat after the other.
    """
    read: list[np.ndarray] = []
    told: list[np.ndarray] = []
    for seat, of_seat in groupby(rows, key=lambda row: row.seat):
        some = list(of_seat)
        table = credit_table(RewardToGo(gamma=gamma), episodes, some, None, seat=seat)
        at, targets = critic_targets(dataclasses.replace(table, targets=table.values), some)
        read, told = [*read, *at], [*told, *targets]
    return read, told
