"""One optimiser path for CPU and GPU: AdamW, a clipped gradient, state that saves and loads byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Optimiser:
    """AdamW over the trainable parameters of a module.

    Args:
        module: parameters without gradient are left alone.
        lr: step size.
        weight_decay: decoupled; on matrices only.
        max_norm: the gradient's norm is cut here before every step.
        betas: of AdamW.
    """

    def __init__(
        self,
        module: nn.Module,
        lr: float,
        weight_decay: float = 0.0,
        max_norm: float = 1.0,
        betas: tuple[float, float] = (0.9, 0.99),
    ):
        self.named = {name: p for name, p in module.named_parameters() if p.requires_grad}
        matrices = [p for p in self.named.values() if p.ndim > 1]
        vectors = [p for p in self.named.values() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.adam = torch.optim.AdamW(groups, lr=lr, betas=betas)
        self.lr, self.max_norm = lr, max_norm

    def step(self, scale: float = 1.0) -> float:
        """One step with the learning rate times `scale`; returns the gradient's norm before clipping."""
        norm = nn.utils.clip_grad_norm_(list(self.named.values()), self.max_norm)
        for group in self.adam.param_groups:
            group["lr"] = self.lr * scale
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        return float(norm)

    def save(self, path: Path) -> None:
        """Moments and step counts, by parameter name."""
        held: dict[str, Tensor] = {}
        for name, parameter in self.named.items():
            for key, value in self.adam.state.get(parameter, {}).items():
                held[f"{name}|{key}"] = value.detach().contiguous().clone()
        save_file(held, path)

    def load(self, path: Path) -> None:
        """The state that `save` wrote."""
        found: Mapping[str, Tensor] = load_file(path)
        for entry, value in found.items():
            name, key = entry.rsplit("|", 1)
            parameter = self.named[name]
            self.adam.state[parameter][key] = value if key == "step" else value.to(parameter.device, copy=True)
