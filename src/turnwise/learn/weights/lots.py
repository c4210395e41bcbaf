"""Rows made ready for one forward pass, and what the policy says along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from turnwise.core.errors import TurnwiseError
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
    values: Tensor | None  # float32 [V], [V, K] of several critics


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


def say(policy: Policy, lot: Lot, probe: bool = False) -> Said:
    """One forward pass: a token's law is read one position before it.

    Args:
        probe: the critic only looks: its error does not reach the weights below it.
    """
    at = torch.from_numpy(np.concatenate([lot.loss - 1, lot.read])).to(lot.ids.device)
    targets = lot.ids[torch.from_numpy(lot.loss).to(lot.ids.device)]
    out = policy(Rows(lot.ids, lot.lengths, at, targets))
    logp, entropy = Output(policy, out.hidden[: len(targets)], None).score(targets, entropy=True)
    assert entropy is not None
    states = out.hidden[len(targets) :]
    return Said(logp, entropy, policy.value(states.detach() if probe else states))


def trained_rows(rows: Sequence[Row]) -> list[int]:
    """Numbers of the rows that carry loss.

    Raises:
        TurnwiseError: none does.
    """
    found = [number for number, row in enumerate(rows) if row.loss.any()]
    if not found:
        raise TurnwiseError(
            f"{len(rows)} rows without a token to learn from",
            "episodes in which the agent spoke, which did not break, and which a rule gave credit",
            "look at the endings of this round: turnwise report RUN",
        )
    return found


@torch.no_grad()
def logprobs(policy: Policy, rows: Sequence[Row], batch_tokens: int) -> list[np.ndarray]:
    """Log-probability of every loss token of every row: float32 [M] each."""
    found: list[np.ndarray] = [np.zeros(0, np.float32)] * len(rows)
    for lot in lots_of(rows, range(len(rows)), batch_tokens, None, policy.device):
        logp = say(policy, lot).logp.cpu().numpy()
        cuts = np.cumsum([int(rows[i].loss.sum()) for i in lot.rows])[:-1]
        for number, part in zip(lot.rows, np.split(logp, cuts), strict=True):
            found[number] = part
    return found


def without_loss(row: Row) -> Row:
    """The same row when only its values are wanted."""
    return replace(row, loss=np.zeros(len(row), bool))
