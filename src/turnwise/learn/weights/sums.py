"""Sums along sides: what an objective of preferences reads, and the way back from its gradient to the weights.

An objective is a function of a few numbers per side, so a step takes two passes: one without gradient gives the
numbers, the objective's slope in each of them is found, and a second pass pulls every token by the slope of its side.
However many forward passes the rows of a step need, the gradient is that of the whole (as in gradient caching, arXiv
2101.06983).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from turnwise.learn.sequences import Row
from turnwise.learn.weights.forward_kl import say_beside
from turnwise.learn.weights.lots import Lot, lots_of, say
from turnwise.models.policy import Policy


@dataclass(frozen=True, slots=True)
class Sums:
    """Per side, float64 [S]."""

    logp: Tensor  # log-probability of the side under the policy, in nats; carries gradient
    reference: Tensor  # the same under the reference
    kl: Tensor  # sum over tokens of KL(reference || policy); carries gradient; 0 where nobody reads it
    tokens: Tensor  # tokens that count
    strangers: Tensor  # log-ratio of the side behind another one's prompt; 0 where nobody reads it

    @property
    def ratio(self) -> Tensor:
        """log pi - log ref of the side."""
        return self.logp - self.reference


@dataclass(frozen=True, slots=True)
class Laid:
    """The rows of some sides, side after side."""

    rows: list[Row]
    owner: np.ndarray  # int64 [rows]: the side of each row
    sides: int

    @classmethod
    def of(cls, sides: Sequence[Sequence[Row]]) -> Laid:
        """Lay them out."""
        owner = np.repeat(np.arange(len(sides)), [len(rows) for rows in sides])
        return cls([row for rows in sides for row in rows], owner, len(sides))

    def lots(self, batch_tokens: int, device: torch.device) -> list[Lot]:
        """Forward passes."""
        return lots_of(self.rows, range(len(self.rows)), batch_tokens, None, device)

    def owners(self, lot: Lot) -> Tensor:
        """The side of every loss token of a lot, int64 [M]."""
        counts = [int(self.rows[i].loss.sum()) for i in lot.rows]
        return torch.from_numpy(np.repeat(self.owner[list(lot.rows)], counts)).to(lot.ids.device)

    def tokens(self, device: torch.device) -> Tensor:
        """Tokens that count in each side, float64 [S]."""
        counts = np.bincount(self.owner, [float(row.loss.sum()) for row in self.rows], self.sides)
        return torch.from_numpy(counts).to(device)


@torch.no_grad()
def logp_sums(policy: Policy, laid: Laid, batch_tokens: int) -> Tensor:
    """Log-probability of each side, float64 [S]."""
    sums = torch.zeros(laid.sides, dtype=torch.float64, device=policy.device)
    for lot in laid.lots(batch_tokens, policy.device):
        sums.index_add_(0, laid.owners(lot), say(policy, lot).logp.double())
    return sums


@torch.no_grad()
def kl_sums(policy: Policy, reference: Policy, laid: Laid, batch_tokens: int) -> Tensor:
    """Sum over the tokens of each side of KL(reference || policy), float64 [S]."""
    sums = torch.zeros(laid.sides, dtype=torch.float64, device=policy.device)
    for lot in laid.lots(batch_tokens, policy.device):
        sums.index_add_(0, laid.owners(lot), say_beside(policy, reference, lot)[1].double())
    return sums


def pull(policy: Policy, reference: Policy | None, laid: Laid, sums: Sums, batch_tokens: int) -> None:
    """Add to the weights' gradient: every token's log-probability (and KL) times the slope of its side's sum."""
    slope = torch.zeros_like(sums.logp) if sums.logp.grad is None else sums.logp.grad
    for lot in laid.lots(batch_tokens, policy.device):
        owners = laid.owners(lot)
        if sums.kl.grad is None or reference is None:
            logp = say(policy, lot).logp
            force = (logp * slope[owners].to(logp.dtype)).sum()
        else:
            logp, kl = say_beside(policy, reference, lot)
            force = (logp * slope[owners].to(logp.dtype) + kl * sums.kl.grad[owners].to(kl.dtype)).sum()
        force.backward()
