"""Rows that a policy reads, and what it says about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from turnwise.core.errors import TurnwiseError

if TYPE_CHECKING:
    from turnwise.models.policy import Policy

CHUNK = 4096  # positions whose logits are held at once


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole rows, packed: what a training step reads."""

    ids: torch.Tensor  # int64 [N], row after row
    lengths: tuple[int, ...]  # tokens of each row; sums to N
    at: torch.Tensor  # int64 [M]: flat positions asked for; what is read there predicts the token after it
    targets: torch.Tensor  # int64 [M]: the tokens that follow them

    @classmethod
    def pack(cls, rows: Sequence[Any], asked: Sequence[Any] | None = None, device: torch.device | str = "cpu") -> Rows:
        """Pack rows of ids.

        Args:
            rows: int ids [L_r] each.
            asked: bool [L_r] each: tokens whose log-probability (and the value before them) is wanted. None:
                every token but the first.

        Raises:
            TurnwiseError: a first token is asked for, which nothing precedes, or lengths disagree.
        """
        arrays = [np.asarray(row, np.int64) for row in rows]
        lengths = tuple(len(row) for row in arrays)
        wanted = [np.arange(n) > 0 for n in lengths] if asked is None else [np.asarray(a, bool) for a in asked]
        if [len(a) for a in wanted] != list(lengths):
            raise TurnwiseError(
                f"rows of {list(lengths)} tokens with masks of {[len(a) for a in wanted]}",
                "one mask value per token",
            )
        if any(len(a) and a[0] for a in wanted):
            raise TurnwiseError(
                "the first token of a row is asked for", "a token with something before it to predict it from"
            )
        ids, places = np.concatenate(arrays), np.flatnonzero(np.concatenate(wanted))
        flat = torch.from_numpy(ids).to(device)
        return cls(flat, lengths, torch.from_numpy(places - 1).to(device), torch.from_numpy(ids[places]).to(device))


@dataclass(slots=True)
class Output:
    """What a policy says at the positions asked for."""

    policy: Policy
    hidden: torch.Tensor  # [M, hidden]: last hidden states
    values: (
        torch.Tensor | None
    )  # float32 [M]: expected return from there, in the units it was trained on; None without a value head

    def logits(self) -> torch.Tensor:
        """[M, vocabulary]; large: for a long batch use `score`, which never holds it whole."""
        return self.policy.head(self.hidden)

    def score(
        self, targets: torch.Tensor, entropy: bool = False, chunk: int = CHUNK
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Natural log-probabilities of targets, and entropies in nats if asked; float32 [M], differentiable.

        Logits exist for `chunk` positions at a time; in training they are computed again for the gradient.
        """
        parts = []
        for first in range(0, len(targets), chunk):
            piece = self.hidden[first : first + chunk], targets[first : first + chunk], entropy
            if len(targets) > chunk and self.hidden.requires_grad:
                parts.append(checkpoint(self._score, *piece, use_reentrant=False))
            else:
                parts.append(self._score(*piece))
        if not parts:
            none = self.hidden.new_zeros(0, dtype=torch.float32)
            return none, none if entropy else None
        return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts]) if entropy else None

    def _score(
        self, hidden: torch.Tensor, targets: torch.Tensor, entropy: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        logp = torch.log_softmax(self.policy.head(hidden).float(), -1)
        return logp.gather(1, targets[:, None])[:, 0], -(logp.exp() * logp).sum(-1) if entropy else None
