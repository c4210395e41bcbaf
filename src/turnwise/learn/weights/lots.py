"""Rows made ready for one forward pass, and what the policy says along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from turnwise.learn.packing import pack
from turnwise.learn.sequences import Row
from turnwise.models.policy import Output, Policy, Rows


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


def say(policy: Policy, lot: Lot) -> Said:
    """One forward pass: a token's law is read one position before it."""
    at = torch.from_numpy(np.concatenate([lot.loss - 1, lot.read])).to(lot.ids.device)
    targets = lot.ids[torch.from_numpy(lot.loss).to(lot.ids.device)]
    out = policy(Rows(lot.ids, lot.lengths, at, targets))
    logp, entropy = Output(policy, out.hidden[: len(targets)], None).score(targets, entropy=True)
    assert entropy is not None
    return Said(logp, entropy, None if out.values is None else out.values[len(targets) :])
