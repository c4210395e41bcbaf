"""A policy whose words are shifted by what they are worth: logits of a frozen policy plus beta times Q
(specs/learn/mc_returns, specs/learn/ilql).

It is a policy like any other to the engine: its layers are those of both transformers, which read the same rows side
by side, each with keys and values of its own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from turnwise.core.errors import TurnwiseError
from turnwise.models import ragged
from turnwise.models.policy import Policy
from turnwise.models.sampling import Laws, shaped
from turnwise.models.values import Values

WEIGHTS, SHAPE = "values.safetensors", "values.json"


@dataclass(frozen=True, slots=True)
class Guide:
    """How values shift words."""

    beta: float = 8.0  # nats per unit of value; 0 is the policy itself
    top_p: float = 1.0  # of the policy: only the smallest set of its words that holds so much probability is valued
    top_k: int = 0  # of the policy: only so many of its words; 0 is all
    clip: float | None = None  # the advantage Q - V counts at most so much; None: no V is read, since it cancels

    def __post_init__(self) -> None:
        if self.beta < 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise TurnwiseError(f"{self}", "beta >= 0, 0 < top_p <= 1, top_k >= 0")


def guided_logits(logits: Tensor, q: Tensor, guide: Guide, v: Tensor | None = None) -> Tensor:
    """logits + beta * Q, or + beta * min(Q - V, clip); -inf where the policy's own top_p or top_k cuts.

    Args:
        logits, q: float [M, vocabulary].
        v: float [M]; needed with a clip.
    """
    if guide.clip is not None:
        if v is None:
            raise TurnwiseError(f"clip={guide.clip:g} without a V", "values of states", "learn with ilql, or clip=None")
        q = (q - v[:, None]).clamp(max=guide.clip)
    rows = len(logits)
    laws = Laws.of(np.ones(rows), np.full(rows, guide.top_p), np.full(rows, guide.top_k))
    return shaped(logits, laws) + guide.beta * q


class Guided(Policy):
    """Speaks as a policy whose logits are shifted by values.

    Args:
        policy: speaks; no learner of values changes it.
        values: say what its words are worth.
        guide: how much that counts.
    """

    def __init__(self, policy: Policy, values: Values, guide: Guide):
        nn.Module.__init__(self)
        self.policy, self.values, self.guide = policy, values, guide
        self.tokenizer, self.chat = policy.tokenizer, policy.chat
        self.version, self.value_head = 0, None  # versions count what the values learned
        self.eval()

    @property
    def causal(self) -> PreTrainedModel:
        return self.policy.causal

    @property
    def layers(self) -> int:
        return self.policy.layers + self.values.layers

    def begin(self) -> None:
        """Values that have learned nothing start on the policy's transformer as it is now."""
        if self.version == 0:
            self.values.follow(self.policy)

    def read(self, ids: Tensor, where: Tensor, plan: ragged.Plan) -> Tensor:
        """Last hidden states of both, side by side: [N, 2 * hidden]."""
        spoken = self.policy.read(ids, where, plan)
        return torch.cat([spoken, self.values.read(ids, where, Above(plan, self.policy.layers))], -1)

    def head(self, hidden: Tensor) -> Tensor:
        """[M, 2 * hidden] -> shifted logits [M, vocabulary]."""
        spoken, valued = hidden.split([hidden.shape[-1] - self.values.width, self.values.width], -1)
        v = None if self.guide.clip is None else self.values.state_values(valued)
        return guided_logits(self.policy.head(spoken), self.values.token_values(valued), self.guide, v)

    def save(self, directory: str | Path) -> None:
        """The policy's own Hugging Face directory, with values.safetensors and values.json beside it; the version is
        that of the values.
        """
        place = Path(directory)
        self.policy.save(place)
        save_file({k: v.contiguous().clone() for k, v in self.values.state_dict().items()}, place / WEIGHTS)
        shape = {"heads": len(self.values.q), "state": self.values.v is not None}
        (place / SHAPE).write_text(json.dumps({**shape, "guide": asdict(self.guide)}) + "\n")
        (place / "turnwise.json").write_text(json.dumps({"version": self.version}) + "\n")

    @classmethod
    def load(cls, directory: str | Path, value_head: int = False, device: Any = None, dtype: Any = None) -> Guided:
        """What `save` wrote.

        Raises:
            TurnwiseError: no policy is there, or no values beside it.
        """
        place = Path(directory)
        policy = Policy.load(place, value_head, device, dtype)
        if not (place / WEIGHTS).is_file():
            raise TurnwiseError(f"no {WEIGHTS} in {place}", "a policy with values beside it", "load it as a Policy")
        shape = json.loads((place / SHAPE).read_text())
        values = Values(policy, shape["heads"], shape["state"])
        values.load_state_dict(load_file(place / WEIGHTS))
        guided = cls(policy, values, Guide(**shape["guide"]))
        guided.version = policy.version
        return guided


def load_speaker(directory: str | Path, device: Any = None) -> Policy:
    """What speaks from a checkpoint: the policy, shifted by values where they lie beside it."""
    kind = Guided if (Path(directory) / WEIGHTS).is_file() else Policy
    return kind.load(directory, device=device)


class Above:
    """A plan for layers that stand above those of another model on the same rows."""

    def __init__(self, plan: ragged.Plan, below: int):
        self.plan, self.below, self.longest, self.calls = plan, below, plan.longest, 0

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float, dropout: float) -> Tensor:
        """As the plan, `below` layers higher."""
        return self.plan.attend(layer + self.below, q, k, v, scale, dropout)
