"""How far the whole law of a policy lies from a reference at every token: KL(reference || policy), exactly."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from turnwise.learn.weights.lots import Lot
from turnwise.models.policy import Policy, Rows
from turnwise.models.rows import CHUNK


def say_beside(policy: Policy, reference: Policy, lot: Lot) -> tuple[Tensor, Tensor]:
    """Read a lot with both.

    Returns:
        Log-probability of each loss token under the policy, and KL(reference || policy) of the law it was drawn from,
        float32 [M] each, in nats, with gradient to the policy alone. Laws exist for a few thousand positions at once.
    """
    at = torch.from_numpy(lot.loss - 1).to(lot.ids.device)
    targets = lot.ids[at + 1]
    rows = Rows(lot.ids, lot.lengths, at, targets)
    own = policy(rows).hidden
    with torch.no_grad():
        other = reference(rows).hidden

    def part(mine: Tensor, theirs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        logp = torch.log_softmax(policy.head(mine).float(), -1)
        with torch.no_grad():
            told = torch.log_softmax(reference.head(theirs).float(), -1)
        return logp.gather(1, wanted[:, None])[:, 0], forward_kl(told, logp)

    pieces = zip(own.split(CHUNK), other.split(CHUNK), targets.split(CHUNK), strict=True)
    if len(targets) > CHUNK and own.requires_grad:
        parts = [checkpoint(part, *piece, use_reentrant=False) for piece in pieces]
    else:
        parts = [part(*piece) for piece in pieces]
    return torch.cat([logp for logp, _ in parts]), torch.cat([kl for _, kl in parts])


def forward_kl(reference: Tensor, policy: Tensor) -> Tensor:
    """sum_v exp(reference) * (reference - policy) of log-laws [M, V], as [M]; a token that the reference excludes
    counts nothing.
    """
    gap = torch.where(torch.isneginf(reference), 0.0, reference - policy)
    return (reference.exp() * gap).sum(-1)
