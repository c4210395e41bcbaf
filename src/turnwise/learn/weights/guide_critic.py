"""The guide's critic: what a guide goes on to earn from a state, beside the learner's own critic and apart from it
(specs/learn/rlgf: with the guide's cost-to-go one critic would be wrong for the learner).

It is a network of its own that begins as a copy of the policy with its value head, and is told the reward-to-go of the
guide's turns in episodes that the guide ended.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from turnwise.core.chance import generator
from turnwise.core.types import Episode
from turnwise.learn.credited import RowValues
from turnwise.learn.packing import minibatches
from turnwise.learn.sequences import Row
from turnwise.learn.weights.critic import Unit, monte_carlo, set_unit, spread
from turnwise.learn.weights.lots import lots_of, say, without_loss
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.surrogate import clipped_value_loss
from turnwise.models.policy import Policy


@dataclass(frozen=True)
class GuideCriticSettings:
    """How it is fitted to a round's episodes."""

    lr: float = 3e-4
    epochs: int = 1
    minibatches: int = 2
    batch_tokens: int = 16384
    gamma: float = 0.99  # discount per turn
    max_norm: float = 1.0


class GuideCritic:
    """V' of states, float.

    Args:
        policy: with a value head; it is copied.
        settings: see `GuideCriticSettings`.
        seed: orders the minibatches.
    """

    def __init__(self, policy: Policy, settings: GuideCriticSettings, seed: int):
        self.network, self.settings, self.seed = copy.deepcopy(policy), settings, seed
        self.optimiser = Optimiser(self.network, settings.lr, 0.0, settings.max_norm)
        self.steps, self.unit = 0, Unit()

    @torch.no_grad()
    def values(self, rows: Sequence[Row]) -> list[RowValues]:
        """V' at every position of every row."""
        found = [RowValues(np.zeros(0))] * len(rows)
        everywhere = [np.arange(len(row)) for row in rows]
        silent = [without_loss(row) for row in rows]
        for lot in lots_of(silent, range(len(rows)), self.settings.batch_tokens, everywhere, self.network.device):
            values = say(self.network, lot).values
            assert values is not None
            parts = np.split(values.double().cpu().numpy(), np.cumsum(lot.lengths)[:-1])
            for number, part in zip(lot.rows, parts, strict=True):
                found[number] = RowValues(part)
        return found

    def learn(self, episodes: Sequence[Episode], rows: Sequence[Row]) -> dict[str, float]:
        """Fit it to the reward-to-go of the turns of some rows; nothing to tell changes nothing.

        Args:
            rows: of the guide's turns, in episodes that the guide ended.
        """
        if not rows:
            return {"guide_steps": 0.0}
        s, rng, errors = self.settings, generator(self.seed, "guide-critic", self.steps), list[float]()
        read, told = monte_carlo(episodes, rows, s.gamma)
        spreads, first = self.unit.of([spread(told)]), self.steps
        set_unit(self.network, told, spreads)
        for _ in range(s.epochs):
            for part in minibatches([row.episode for row in rows], s.minibatches, rng):
                errors.append(self._step([without_loss(row) for row in rows], part, read, told, float(spreads[0])))
        return {"guide_steps": float(self.steps - first), "guide_error": float(np.mean(errors))}

    def _step(
        self, rows: Sequence[Row], part: Sequence[int], read: list[np.ndarray], told: list[np.ndarray], scale: float
    ) -> float:
        """One step; the mean square error before it, in units of the targets' variance."""
        count, total = max(1, sum(len(read[i]) for i in part)), 0.0
        for lot in lots_of(rows, part, self.settings.batch_tokens, read, self.network.device):
            values = say(self.network, lot).values
            assert values is not None
            wanted = torch.from_numpy(np.concatenate([told[i] for i in lot.rows]).astype(np.float32)).to(values.device)
            loss = clipped_value_loss(values, wanted, wanted, None).sum() / (count * scale)
            loss.backward()
            total += 2 * float(loss.detach())
        self.steps += 1
        self.optimiser.step()
        return total

    def _held(self) -> dict[str, Tensor]:
        """All that it learned: parameters, each once however many places share it, and the unit of the values."""
        assert self.network.value_head is not None
        return dict(self.network.named_parameters()) | dict(self.network.value_head.named_buffers("value_head"))

    def save(self, directory: Path) -> None:
        """Network, optimiser, how many steps it took, and the unit of its errors."""
        held = {name: value.detach().contiguous().clone() for name, value in self._held().items()}
        save_file(held, directory / "guide-critic.safetensors")
        self.optimiser.save(directory / "guide-critic-optimiser.safetensors")
        (directory / "guide-critic.steps").write_text(str(self.steps))
        self.unit.save(directory / "guide-critic.unit")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        found = load_file(directory / "guide-critic.safetensors")
        with torch.no_grad():
            for name, parameter in self._held().items():
                parameter.copy_(found[name])
        self.optimiser.load(directory / "guide-critic-optimiser.safetensors")
        self.steps = int((directory / "guide-critic.steps").read_text())
        self.unit.load(directory / "guide-critic.unit")
