"""Rows made ready for one forward pass, and what the policy says along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from turnwise.learn.packing import pack
from turnwise.learn.sequences import Row
from turnwise.models.policy import Policy


@dataclass(frozen=True, slots=True)
class Lot:
    """Some rows laid one after the other; N tokens, M loss tokens, V value positions."""

    rows: tuple[int, ...]  # which rows of the batch, in the order in which they lie here
    ids: Tensor  # int64 [N]
    lengths: tuple[int, ...]  # tokens of each row
    loss: np.ndarray  # int64 [M]: flat positions of the tokens that carry loss
    read: np.ndarray  # int64 [V]: flat positions at which a critic is asked


@dataclass(frozen=True, slots=True)
class Said:
    """What the policy says about a lot."""

    logp: Tensor  # float32 [M]: log-probability of each loss token
    entropy: Tensor  # float32 [M]: of the law it was drawn from, in nats
    values: Tensor | None  # float32 [V]


def lots_of(
    rows: Sequence[Row], chosen: Sequence[int], most: int, read: Sequence[np.ndarray] | None, device: torch.device
) -> list[Lot]:
    """Pack the chosen rows into lots of at most `most` tokens.

    Args:
        read: per row of the batch, the positions at which values are wanted; None for none.
    """
    lots = []
    for part in pack([len(rows[i]) for i in chosen], most):
        numbers = [chosen[k] for k in part]
        held = [rows[i] for i in numbers]
        offsets = np.cumsum([0] + [len(r) for r in held])
        loss = np.concatenate([np.flatnonzero(r.loss) + o for r, o in zip(held, offsets, strict=False)])
        wanted = [] if read is None else [read[i] + o for i, o in zip(numbers, offsets, strict=False)]
        lots.append(
            Lot(
                tuple(numbers),
                torch.from_numpy(np.concatenate([r.ids for r in held]).astype(np.int64)).to(device),
                tuple(len(r) for r in held),
                loss.astype(np.int64),
                np.concatenate(wanted).astype(np.int64) if wanted else np.zeros(0, np.int64),
            )
        )
    return lots


def say(policy: Policy, lot: Lot, temperature: float = 1.0) -> Said:
    """One forward pass. A token's law is read one position before it; the sampler's temperature makes it the law that was sampled from."""
    out = policy.forward(lot.ids, lot.lengths, predict=lot.loss - 1, read=lot.read)
    logits = out.logits.float() / temperature
    law = torch.log_softmax(logits, dim=-1)
    logp = law.gather(1, lot.ids[lot.loss][:, None]).squeeze(1)
    entropy = -(law.exp() * law).sum(-1)
    return Said(logp, entropy, out.values)
