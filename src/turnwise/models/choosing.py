"""What whole texts are worth in a state: a policy's value head, read where each text ends (specs/learn/rlap)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from turnwise.core.errors import TurnwiseError
from turnwise.models.policy import Policy
from turnwise.models.rows import Rows


def text_values(policy: Policy, rows: Sequence[np.ndarray]) -> Tensor:
    """Q of the last text of each row, float32 [R], with gradient.

    Args:
        rows: int32 ids [N] each: a state, and what is said in it.

    Raises:
        TurnwiseError: the policy has no value head.
    """
    lengths = np.array([len(row) for row in rows])
    ids = torch.from_numpy(np.concatenate(rows).astype(np.int64)).to(policy.device)
    at = torch.from_numpy(np.cumsum(lengths) - 1).to(policy.device)
    values = policy(Rows(ids, tuple(lengths.tolist()), at, ids[:0])).values
    if values is None:
        raise TurnwiseError("a choice by values without a value head", "a policy with one", "choose the recipe `rlap`")
    return values


@torch.no_grad()
def action_values(policy: Policy, state: np.ndarray, options: Sequence[np.ndarray]) -> np.ndarray:
    """Q of every option in one state, float32 [options]."""
    return text_values(policy, [np.concatenate([state, option]) for option in options]).cpu().numpy()
