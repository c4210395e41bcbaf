"""What a batch says along a direction in weight space: slopes of its log-probabilities, and the curvature of a policy
gradient times a vector (specs/credit/barfi).

    D = sum over tokens of  c_j * grad log pi_j           the policy gradient of credit c
    (dD/d theta)^T v = sum_j c_j * (grad^2 log pi_j) v  +  sum_e (sum_{j in e} grad log pi_j) * (sum_{j in e} c_j * s_j)
    s_j = grad log pi_j . v

Slopes are central differences at theta + d and theta - d along v, in float32: two passes give s and the first part, a
third the second part. So the product costs three gradients and stores no graph of a graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from turnwise.learn.sequences import Row
from turnwise.learn.weights.lots import logprobs, lots_of, say
from turnwise.models.policy import Policy

REACH = 0.01
"""Length of d, in weights: far above the noise of float32, far below where a policy bends."""

OnTokens = Mapping[int, np.ndarray]
"""Row number -> a number for each of its M loss tokens."""


@dataclass(frozen=True, eq=False)
class Bend:
    """Some rows of a batch under a policy.

    Args:
        policy: its gradients are left as they were found, empty.
        rows: of the batch.
        chosen: numbers of the rows that are looked at.
        batch_tokens: tokens per forward pass.
    """

    policy: Policy
    rows: Sequence[Row]
    chosen: Sequence[int]
    batch_tokens: int = 16384

    @cached_property
    def weights(self) -> list[Tensor]:
        """What can be moved."""
        return [weight for weight in self.policy.parameters() if weight.requires_grad]

    def gradient(self, credit: OnTokens) -> tuple[np.ndarray, dict[int, np.ndarray]]:
        """D, float64 [P], and the log-probability of each token."""
        told: dict[int, np.ndarray] = {}
        for lot in lots_of(self.rows, self.chosen, self.batch_tokens, None, self.policy.device):
            said = say(self.policy, lot)
            weight = torch.from_numpy(np.concatenate([credit[i] for i in lot.rows]).astype(np.float32))
            (said.logp * weight.to(said.logp.device)).sum().backward()
            cuts = np.cumsum([len(credit[i]) for i in lot.rows])[:-1]
            told |= zip(lot.rows, np.split(said.logp.detach().double().cpu().numpy(), cuts), strict=True)
        parts = [torch.zeros_like(w) if w.grad is None else w.grad for w in self.weights]
        found = torch.cat([part.flatten() for part in parts]).double().cpu().numpy()
        self.policy.zero_grad(set_to_none=True)
        return found, told

    def slopes(self, v: np.ndarray) -> dict[int, np.ndarray]:
        """s of each token, from two forward passes."""
        held, both = [self.rows[i] for i in self.chosen], []
        for sign in (1.0, -1.0):
            with self.moved(sign * v):
                both.append(logprobs(self.policy, held, self.batch_tokens))
        scale = float(np.linalg.norm(v)) / (2.0 * REACH)
        return {
            i: (up.astype(np.float64) - down) * scale for i, up, down in zip(self.chosen, both[0], both[1], strict=True)
        }

    def curvature(self, v: np.ndarray, credit: OnTokens) -> np.ndarray:
        """(dD/d theta)^T v, float64 [P]."""
        with self.moved(v):
            up, above = self.gradient(credit)
        with self.moved(-v):
            down, below = self.gradient(credit)
        scale = float(np.linalg.norm(v)) / (2.0 * REACH)
        along: dict[int, float] = {}
        for i in self.chosen:
            slope = (above[i] - below[i]) * scale
            along[self.rows[i].episode] = along.get(self.rows[i].episode, 0.0) + float(credit[i] @ slope)
        crossed, _ = self.gradient({i: np.full(len(credit[i]), along[self.rows[i].episode]) for i in self.chosen})
        return (up - down) * scale + crossed

    @contextmanager
    def moved(self, v: np.ndarray) -> Iterator[None]:
        """The policy a little way along v; afterwards it has its weights back, to the last bit."""
        step = torch.from_numpy(v * (REACH / float(np.linalg.norm(v)))).float()
        before = [weight.detach().clone() for weight in self.weights]
        try:
            with torch.no_grad():
                for weight, part in zip(self.weights, step.split([w.numel() for w in before]), strict=True):
                    weight += part.view_as(weight).to(weight.device)
            yield
        finally:
            with torch.no_grad():
                for weight, old in zip(self.weights, before, strict=True):
                    weight.copy_(old)
