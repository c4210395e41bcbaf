"""Deep Q-learning over a few legal texts: replay, a target copy, and optionally double Q (specs/learn/rlap)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from turnwise.core.chance import generator
from turnwise.core.types import Batch, Update
from turnwise.learn.choices import Choice, ChoiceReplay
from turnwise.learn.packing import pack
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.models.choosing import text_values
from turnwise.models.policy import Policy


@dataclass(frozen=True)
class DqnSettings:
    """Standard deep Q-learning; the paper's own numbers are not known."""

    lr: float = 1e-4
    steps: int = 50  # per update
    batch: int = 32  # choices per step
    gamma: float = 1.0  # discount per choice: the horizon is finite
    copy_every: int = 100  # steps from one target copy to the next
    double: bool = True  # the online network picks the next act, the target copy values it
    batch_tokens: int = 16384
    max_norm: float = 1.0


class Dqn:
    """Learner: (Q(s, a) - y)^2 over replayed choices.

        y = r                                       where nothing follows
        y = r + gamma * max_a' Q_target(s', a')     a' over what is legal in s', and over nothing else
        y = r + gamma * Q_target(s', argmax_a' Q(s', a'))       double Q, since a maximum over noise is too high

    Args:
        policy: whose value head says Q where a text ends; encoder and head learn.
        settings: see `DqnSettings`.
        replay: of choices.
        seed: draws them.
    """

    slot = "weights"
    needs = frozenset({"tokens", "critic"})

    def __init__(self, policy: Policy, settings: DqnSettings, replay: ChoiceReplay, seed: int):
        self.policy, self.settings, self.replay, self.seed = policy, settings, replay, seed
        self.optimiser = Optimiser(policy, settings.lr, 0.0, settings.max_norm)
        self.target = copy.deepcopy(policy)
        for parameter in self.target.parameters():
            parameter.requires_grad_(False)
        self.steps = 0

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """Append the round's choices, then some steps; one update of the slot `weights`."""
        s = self.settings
        added = self.replay.add(batch.episodes, rows_of(batch.episodes))
        rng, errors, norms = generator(self.seed, "dqn", self.steps), list[float](), list[float]()
        for number in range(s.steps):
            error, norm = self._step(self.replay.draw(rng, s.batch))
            errors.append(error)
            norms.append(norm)
            if progress is not None:
                progress((number + 1) / s.steps)
        before = self.policy.version
        self.policy.version += 1
        change = {"q_error": float(np.mean(errors)), "gradient_norm": float(np.mean(norms))}
        change |= {"replay": float(len(self.replay)), "choices": float(added)}
        return [Update(self.slot, before, self.policy.version, change, "dqn")]

    def _step(self, choices: Sequence[Choice]) -> tuple[float, float]:
        """One step; mean square error before it, and the gradient's norm."""
        total = 0.0
        told = self.targets(choices)
        rows = [np.concatenate([choice.state, choice.said]) for choice in choices]
        for part in pack([len(row) for row in rows], self.settings.batch_tokens):
            wanted = torch.from_numpy(told[part]).to(self.policy.device)
            loss = (text_values(self.policy, [rows[i] for i in part]) - wanted).square().sum() / len(choices)
            loss.backward()
            total += float(loss.detach())
        norm = self.optimiser.step()
        self.steps += 1
        if self.steps % self.settings.copy_every == 0:
            self._copy()
        return total, norm

    @torch.no_grad()
    def targets(self, choices: Sequence[Choice]) -> np.ndarray:
        """y of each choice, float32 [N]."""
        rows = [np.concatenate([c.after, option]) for c in choices if c.after is not None for option in c.options]
        owners = np.repeat(np.arange(len(choices)), [0 if c.after is None else len(c.options) for c in choices])
        valued = self._values(self.target, rows)
        picks = self._values(self.policy, rows) if self.settings.double else valued
        found = np.array([choice.reward for choice in choices], np.float32)
        for owner in np.unique(owners):
            there = np.flatnonzero(owners == owner)
            found[owner] += self.settings.gamma * valued[there[picks[there].argmax()]]
        return found

    def _values(self, network: Policy, rows: Sequence[np.ndarray]) -> np.ndarray:
        found = np.zeros(len(rows), np.float32)
        for part in pack([len(row) for row in rows], self.settings.batch_tokens):
            found[part] = text_values(network, [rows[i] for i in part]).cpu().numpy()
        return found

    def _copy(self) -> None:
        """target <- online."""
        with torch.no_grad():
            for slow, fast in zip(self.target.parameters(), self.policy.parameters(), strict=True):
                slow.copy_(fast)

    def save(self, directory: Path) -> None:
        """Target copy, optimiser, step count, replay."""
        self.target.save(directory / "target")
        self.optimiser.save(directory / "dqn.safetensors")
        (directory / "dqn.steps").write_text(str(self.steps))
        self.replay.save(directory / "choices.npy")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        found = Policy.load(directory / "target", device=self.policy.device)
        self.target.load_state_dict(found.state_dict())
        self.target.version = found.version
        self.optimiser.load(directory / "dqn.safetensors")
        self.steps = int((directory / "dqn.steps").read_text())
        self.replay.load(directory / "choices.npy")
