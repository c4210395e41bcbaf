"""A critic of what was begun: a network of its own that says how far along the way to a right end a state is
(specs/learn/rest_mcts).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from turnwise.core.chance import generator
from turnwise.core.protocols import View
from turnwise.learn.packing import pack
from turnwise.learn.process import Lessons
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.models.policy import Policy
from turnwise.models.rows import Rows


class ProcessValues:
    """A copy of a policy's transformer with a value head, fitted by squared error; what it says is cut to [0, 1].

    Args:
        policy: what it begins from; it is left as it is.
        lr: step size.
        batch: states per step, drawn by their weight.
        batch_tokens: tokens per forward pass.
        seed: of the draws.
    """

    def __init__(self, policy: Policy, lr: float, batch: int, batch_tokens: int, seed: int):
        self.network = Policy(copy.deepcopy(policy.model), policy.tokenizer, value_head=True)
        for parameter in self.network.parameters():
            parameter.grad, parameter.requires_grad = None, True
        self.optimiser = Optimiser(self.network, lr)
        self.batch, self.batch_tokens, self.seed = batch, batch_tokens, seed
        self.steps = 0
        self._known: dict[bytes, float] = {}  # since the last step

    def worth(self, view: View) -> float:
        """What is said of a state that the agent is in, 0 to 1."""
        ids = np.asarray(self.network.chat.open(view.messages), np.int32)[-self.network.longest :]
        key = ids.tobytes()
        if key not in self._known:
            self._known[key] = float(self.say([ids])[0])
        return self._known[key]

    @torch.no_grad()
    def say(self, states: Sequence[np.ndarray]) -> np.ndarray:
        """float64 [S], of states as ids."""
        found = np.zeros(len(states))
        for part in pack([len(ids) for ids in states], self.batch_tokens):
            found[list(part)] = self._forward([states[i] for i in part]).clamp(0.0, 1.0).cpu().double().numpy()
        return found

    def fit(self, lessons: Lessons, steps: int) -> float:
        """So many steps of squared error; the mean error of the last fifth of them."""
        if not self.steps:
            self._begin(float(lessons.weight_S @ lessons.target_S))
        rng = generator(self.seed, "process values", self.steps)
        errors = []
        for _ in range(steps):
            drawn = rng.choice(len(lessons.ids), self.batch, p=lessons.weight_S / lessons.weight_S.sum())
            errors.append(self._step(lessons, drawn))
        self._known.clear()
        return float(np.mean(errors[-max(1, steps // 5) :]))

    def _begin(self, mean: float) -> None:
        """Start at the mean of the first targets."""
        assert self.network.value_head is not None
        with torch.no_grad():
            self.network.value_head.bias.fill_(mean)

    def _step(self, lessons: Lessons, drawn: np.ndarray) -> float:
        """One optimiser step on some states, each read once however often it was drawn."""
        total, (states, times) = 0.0, np.unique(drawn, return_counts=True)
        for part in pack([len(lessons.ids[s]) for s in states], self.batch_tokens):
            said = self._forward([lessons.ids[states[k]] for k in part])
            told = torch.tensor(lessons.target_S[states[part]], dtype=said.dtype, device=said.device)
            weight = torch.tensor(times[part] / len(drawn), dtype=said.dtype, device=said.device)
            loss = (weight * (said - told).square()).sum()
            loss.backward()
            total += float(loss.detach())
        self.steps += 1
        self.optimiser.step()
        return total

    def _forward(self, states: Sequence[np.ndarray]) -> torch.Tensor:
        """What the head says at the last id of each state, [S]."""
        lengths = [len(ids) for ids in states]
        flat = torch.from_numpy(np.concatenate(states).astype(np.int64)).to(self.network.device)
        at = torch.from_numpy(np.cumsum(lengths) - 1).to(flat.device)
        values = self.network(Rows(flat, tuple(lengths), at, flat[at])).values
        assert values is not None
        return values

    def save(self, directory: Path) -> None:
        """Network, optimiser and count."""
        self.network.save(directory / "critic")
        self.optimiser.save(directory / "critic.safetensors")
        (directory / "critic.steps").write_text(str(self.steps))

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        held = Policy.load(directory / "critic", device=self.network.device, dtype=self.network.dtype)
        self.network.load_state_dict(held.state_dict())
        self.optimiser.load(directory / "critic.safetensors")
        self.steps = int((directory / "critic.steps").read_text())
