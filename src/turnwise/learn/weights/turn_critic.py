"""The upper level of ArCHer: what a state and a whole utterance in it are worth, fitted off-policy.

    e(s), e(a)     last hidden states of a trunk of its own at the end of the state and at the end of the utterance
    Q1, Q2         MLP([e(s); e(a)]) -> 1           V1, V2    MLP(e(s)) -> 1
    L_Qi           ( Q_i(s, a) - [ r + gamma * (1 - done) * Vbar_i(s') ] )^2
    L_Vi           ( V_i(s) - Qbar_i(s, a~) )^2     a~ ~ pi(.|s), drawn anew at the replayed state
    target         <- (1 - tau) * target + tau * online, after every step

The trunk begins as a copy of the policy's: it knows the words already, and its errors never reach the policy. It is
causal, so one pass over state and utterance gives both vectors, and the state's cannot know the utterance. Values are
read in units of the first returns (specs/learn/archer).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from turnwise.core.chance import key_of
from turnwise.learn.packing import pack
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.replay import TurnRecord
from turnwise.models.policy import Policy
from turnwise.models.rows import Rows

TWINS = 2


@dataclass(frozen=True, slots=True)
class Worth:
    """What twin heads say of N turns, in the world's reward units."""

    q: Tensor  # float32 [2, N]: of the utterance in its state
    v: Tensor  # float32 [2, N]: of the state


class TurnCritic(nn.Module):
    """Twin Q and V heads on a causal trunk.

    Args:
        policy: whose trunk is copied.
        width: of the heads' hidden layers.
        seed: of the heads' first weights.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, policy: Policy, width: int, seed: int):
        super().__init__()
        self.trunk = copy.deepcopy(policy)
        self.trunk.value_head = None
        hidden = policy.causal.config.hidden_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key_of(seed, "turn-critic") % (1 << 63))
            self.q_heads = nn.ModuleList(mlp(2 * hidden, width) for _ in range(TWINS))
            self.v_heads = nn.ModuleList(mlp(hidden, width) for _ in range(TWINS))
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))
        self.to(policy.device)
        self.eval()

    def set_units(self, returns: np.ndarray) -> None:
        """Let 0 be the mean of some returns and 1 their spread."""
        spread = float(returns.std())
        self.centre.fill_(float(returns.mean()))
        self.scale.fill_(spread if spread > 0 else 1.0)

    def forward(self, states: Sequence[np.ndarray], actions: Sequence[np.ndarray]) -> Worth:
        """One pass over int32 ids [S] and [A] of each turn."""
        ends, hidden = self._read([np.concatenate(pair) for pair in zip(states, actions, strict=True)], states)
        return Worth(self._say(self.q_heads, torch.cat([hidden, ends], -1)), self._say(self.v_heads, hidden))

    def values(self, states: Sequence[np.ndarray]) -> Tensor:
        """V of states alone, float32 [2, N]."""
        return self._say(self.v_heads, self._read(states, states)[0])

    def _read(self, rows: Sequence[np.ndarray], states: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Hidden states at the end of each row and of the state that it begins with, float32 [N, hidden]."""
        lengths = np.array([len(row) for row in rows])
        first = np.cumsum(lengths) - lengths
        at = np.concatenate([first + lengths, first + [len(state) for state in states]]) - 1
        ids = torch.from_numpy(np.concatenate(rows).astype(np.int64)).to(self.trunk.device)
        places = torch.from_numpy(at.astype(np.int64)).to(self.trunk.device)
        out = self.trunk(Rows(ids, tuple(lengths.tolist()), places, ids[:0]))
        return out.hidden.float().split(len(rows))

    def _say(self, heads: nn.ModuleList, features: Tensor) -> Tensor:
        return self.centre + self.scale * torch.stack([head(features)[:, 0] for head in heads])


def mlp(inputs: int, width: int) -> nn.Sequential:
    """Three linear layers with ReLU, one number out."""
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))


def bellman_target(reward: Tensor, after: Tensor, gamma: float) -> Tensor:
    """r + gamma * (1 - done) * Vbar(s'): rewards [N], and what follows [2, N], already 0 where nothing does."""
    return reward + gamma * after


def soft_update(target: nn.Module, online: nn.Module, tau: float) -> None:
    """target <- (1 - tau) * target + tau * online; what is not learned is copied."""
    with torch.no_grad():
        for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
            slow.lerp_(fast, tau)
        for held, now in zip(target.buffers(), online.buffers(), strict=True):
            held.copy_(now)


class TurnCriticLearner:
    """The critic, its target, and one optimiser step on replayed turns.

    Args:
        critic: the online network.
        lr: step size.
        gamma: discount per turn.
        tau: share of the online network that the target takes over after each step.
        max_norm: largest norm of the gradient.
        batch_tokens: most tokens of one forward pass.
    """

    def __init__(self, critic: TurnCritic, lr: float, gamma: float, tau: float, max_norm: float, batch_tokens: int):
        self.online, self.gamma, self.tau, self.batch_tokens = critic, gamma, tau, batch_tokens
        self.target = copy.deepcopy(critic)
        for parameter in self.target.parameters():
            parameter.requires_grad_(False)
        self.optimiser = Optimiser(critic, lr, 0.0, max_norm)

    def set_units(self, returns: np.ndarray) -> None:
        """Tell both networks in what units values come."""
        self.online.set_units(returns)
        self.target.set_units(returns)

    def step(
        self, records: Sequence[TurnRecord], fresh: Sequence[np.ndarray], as_played: bool = False
    ) -> dict[str, float]:
        """One step on L_Q1 + L_Q2 + L_V1 + L_V2, then the target moves.

        Args:
            records: replayed turns.
            fresh: int32 ids of an utterance of the current policy in the state of each.
            as_played: see `targets`.

        Returns:
            Mean square errors of Q and V in the units of the first returns, and the gradient's norm.
        """
        sums = {"q_error": 0.0, "v_error": 0.0}
        for part in self._parts(records, fresh):
            some = [records[i] for i in part]
            said = self.online([r.state for r in some], [r.action for r in some])
            q_told, v_told = self.targets(some, [fresh[i] for i in part], as_played)
            q_error = ((said.q - q_told) / self.online.scale).square().sum() / len(records)
            v_error = ((said.v - v_told) / self.online.scale).square().sum() / len(records)
            (q_error + v_error).backward()
            sums["q_error"] += float(q_error.detach()) / TWINS
            sums["v_error"] += float(v_error.detach()) / TWINS
        norm = self.optimiser.step()
        soft_update(self.target, self.online, self.tau)
        return sums | {"critic_norm": norm}

    @torch.no_grad()
    def targets(
        self, records: Sequence[TurnRecord], fresh: Sequence[np.ndarray], as_played: bool = False
    ) -> tuple[Tensor, Tensor]:
        """What Q and V should say, float32 [2, N] each.

        Args:
            as_played: Q is told what the episodes went on to earn, where they came to an end. That needs no value to
                travel back turn by turn, and is right for turns of the current policy alone.
        """
        reward = torch.tensor([r.reward for r in records], dtype=torch.float32, device=self.online.scale.device)
        after = torch.zeros(TWINS, len(records), device=reward.device)
        on = [i for i, r in enumerate(records) if r.after is not None]
        if on:
            after[:, on] = self.target.values([r.after for r in records if r.after is not None])
        q_told = bellman_target(reward, after, self.gamma)
        if as_played:
            later = torch.tensor([r.later for r in records], dtype=torch.float32, device=reward.device)
            q_told = torch.where(later.isnan(), q_told, later)
        return q_told, self.target([r.state for r in records], fresh).q

    @torch.no_grad()
    def worth(self, states: Sequence[np.ndarray], actions: Sequence[np.ndarray]) -> Worth:
        """What the online network says, without gradient."""
        sizes = [len(s) + len(a) for s, a in zip(states, actions, strict=True)]
        order = pack(sizes, self.batch_tokens)
        said = [self.online([states[i] for i in part], [actions[i] for i in part]) for part in order]
        back = torch.from_numpy(np.argsort(np.concatenate(order)))
        return Worth(*(torch.cat([getattr(w, name) for w in said], 1)[:, back] for name in ("q", "v")))

    def _parts(self, records: Sequence[TurnRecord], fresh: Sequence[np.ndarray]) -> Iterator[Sequence[int]]:
        """Turns of one pass each: their longest reading counts."""
        sizes = []
        for record, new in zip(records, fresh, strict=True):
            longest = len(record.state) + max(len(record.action), len(new))
            sizes.append(max(longest, 0 if record.after is None else len(record.after)))
        yield from pack(sizes, self.batch_tokens)

    def save(self, directory: Path) -> None:
        """Both networks and the optimiser's state."""
        for name, network in (("online", self.online), ("target", self.target)):
            save_file(_own(network), directory / f"turn-critic-{name}.safetensors")
        self.optimiser.save(directory / "turn-critic-optimiser.safetensors")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        with torch.no_grad():
            for name, network in (("online", self.online), ("target", self.target)):
                found = load_file(directory / f"turn-critic-{name}.safetensors")
                for key, value in _own(network).items():
                    value.copy_(found[key])
        self.optimiser.load(directory / "turn-critic-optimiser.safetensors")


def _own(network: nn.Module) -> dict[str, Tensor]:
    """Weights and units by name, each once."""
    named = [*network.named_parameters(), *((name, network.get_buffer(name)) for name in ("centre", "scale"))]
    return {name: value.detach() for name, value in named}
