"""The losses of one token. All tensors are float32 [M], one entry per loss token; nothing is averaged here."""

from __future__ import annotations

import torch
from torch import Tensor


def log_symmetric(width: float) -> tuple[float, float]:
    """The clip [1 / (1 + e), 1 + e], equally far on both sides in the logarithm, as what it leaves below and above 1
    (specs/learn/loop).
    """
    return width / (1.0 + width), width


def clipped_surrogate(
    log_ratio: Tensor, advantage: Tensor, low: float = 0.2, high: float = 0.2, dual: float | None = 3.0
) -> tuple[Tensor, Tensor]:
    """PPO's loss and whether the clip was active, per token.

        rho = exp(log_ratio);  loss = -min(rho * A, clip(rho, 1 - low, 1 + high) * A);  for A < 0 at most -dual * A

    Source: specs/credit/baselines (verl's dual clip, c = 3); `dual=None` is plain PPO. At rho = 1 the gradient is -A *
    grad logp.
    """
    rho = torch.exp(log_ratio)
    plain, clipped = rho * advantage, rho.clamp(1 - low, 1 + high) * advantage
    gain = torch.minimum(plain, clipped)
    if dual is not None:
        gain = torch.where(advantage < 0, torch.maximum(gain, dual * advantage), gain)
    return -gain, (gain != plain).float()


def k3(logp: Tensor, reference: Tensor) -> Tensor:
    """Schulman's k3 estimate of KL(policy || reference) at sampled tokens: exp(d) - 1 - d with d = reference - logp;
    never negative.
    """
    d = reference - logp
    return torch.exp(d) - 1 - d


def clipped_value_loss(value: Tensor, old: Tensor, target: Tensor, clip: float | None) -> Tensor:
    """Half the squared error of the critic; with `clip`, the worse of the free and the clipped prediction
    (specs/learn/lmrl_ppo).
    """
    loss = (value - target) ** 2
    if clip is not None:
        loss = torch.maximum(loss, (old + (value - old).clamp(-clip, clip) - target) ** 2)
    return 0.5 * loss
