"""Values read from hidden states, in a unit of their own: what one step moves does not depend on whether rewards are
thousandths or thousands.

    V_k(h) = scale_k (w_k . h + b_k)

Adam moves every weight by about its step size, however large the error is. With the spread of the targets as the scale,
a step moves a value by a share of that spread; with a scale of 1 a return of -50 takes thousands of steps to reach, and
where success is rare the critic's gradient is 1 / spread times the policy's (PopArt, arXiv 1602.07714).
"""

from __future__ import annotations

import torch
from torch import nn


class ValueHead(nn.Module):
    """K critics, zero at first, in reward units (scale 1) until they are told another.

    Args:
        width: of the hidden states.
        critics: how many.
        device: where it lies.
    """

    def __init__(self, width: int, critics: int = 1, device: torch.device | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(critics, width, device=device))
        self.bias = nn.Parameter(torch.zeros(critics, device=device))
        self.scale: torch.Tensor
        self.register_buffer("scale", torch.ones(critics, device=device))

    @property
    def critics(self) -> int:
        """How many values it reads."""
        return len(self.bias)

    @property
    def untaught(self) -> bool:
        """Whether it says 0 to everything."""
        return not bool(self.weight.any()) and not bool(self.bias.any())

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states float32 [M, width] -> values [M, K], in reward units."""
        return nn.functional.linear(hidden, self.weight, self.bias) * self.scale

    @torch.no_grad()
    def begin(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        """Say `mean` to everything, in units of `scale`; both [K], in reward units."""
        self.scale.copy_(scale)
        self.bias.copy_(mean / self.scale)

    @torch.no_grad()
    def rescale(self, scale: torch.Tensor) -> None:
        """Say the same in other units, [K]."""
        ratio = self.scale / scale.to(self.scale)
        self.weight.mul_(ratio[:, None])
        self.bias.mul_(ratio)
        self.scale.copy_(scale)
