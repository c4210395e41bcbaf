"""Values of words: a transformer of its own with a head that says, for every token of the vocabulary, what it is worth
to write it next (specs/learn/mc_returns, specs/learn/ilql).
"""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from turnwise.core.errors import TurnwiseError
from turnwise.models import ragged
from turnwise.models.policy import Policy

PESSIMISM = -4.4
"""What every head says at first, LMRL-Gym's constant: it suits rewards of -1 a step."""

CHUNK = 4096  # positions whose values of all tokens are held at once


class Head(nn.Module):
    """Two layers on last hidden states; the last one says the same number everywhere at first.

    Args:
        width: of the hidden states, and of the layer between.
        outputs: numbers per position.
        start: what they are at first, in the units of the rewards.
        rng: draws the first layer.
    """

    def __init__(self, width: int, outputs: int, start: float, rng: torch.Generator):
        super().__init__()
        self.inner = nn.utils.skip_init(nn.Linear, width, width, dtype=torch.float32)
        self.outer = nn.utils.skip_init(nn.Linear, width, outputs, dtype=torch.float32)
        nn.init.normal_(self.inner.weight, std=(2.0 / width) ** 0.5, generator=rng)
        nn.init.zeros_(self.inner.bias)
        nn.init.zeros_(self.outer.weight)
        nn.init.constant_(self.outer.bias, start)

    def forward(self, hidden: Tensor) -> Tensor:
        """[M, width] -> [M, outputs]."""
        return self.outer(self._between(hidden))

    def of(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """The number of one token per position: [M, width], int64 [M] -> [M]; the others are never computed."""
        weight, bias = self.outer.weight[tokens], self.outer.bias[tokens]
        return (self._between(hidden) * weight).sum(-1) + bias

    def surprise(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """logsumexp_v Q[v] - Q[token], [M]: the cross-entropy that a conservative Q pays for what the data never did.
        All tokens' values exist for some positions at a time; in training they are computed again for the gradient.
        """
        parts = []
        for piece, told in zip(hidden.split(CHUNK), tokens.split(CHUNK), strict=True):
            again = len(hidden) > CHUNK and hidden.requires_grad
            parts.append(
                checkpoint(self._surprise, piece, told, use_reentrant=False) if again else self._surprise(piece, told)
            )
        return torch.cat(parts)

    def _surprise(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        values = self(hidden)
        return torch.logsumexp(values, -1) - values.gather(1, tokens[:, None])[:, 0]

    def _between(self, hidden: Tensor) -> Tensor:
        return torch.relu(self.inner(hidden.float()))


class Values(nn.Module):
    """Q heads, and optionally a V head, on a transformer that starts as a copy of a policy's.

    Args:
        policy: whose transformer is copied, and whose vocabulary is valued.
        heads: Q heads; where there are two, the smaller value counts.
        state: whether there is a V head.
        start: what every head says at first.
        seed: of the heads' first layers.
    """

    def __init__(self, policy: Policy, heads: int = 1, state: bool = False, start: float = PESSIMISM, seed: int = 0):
        super().__init__()
        rng, width = torch.Generator().manual_seed(seed), policy.causal.config.hidden_size
        self.body: Any = copy.deepcopy(policy.causal.base_model)
        for parameter in self.body.parameters():
            parameter.grad, parameter.requires_grad = None, True
        self.q = nn.ModuleList(Head(width, policy.vocabulary, start, rng) for _ in range(heads))
        self.v = Head(width, 1, start, rng) if state else None
        self.q.to(policy.device)
        if self.v is not None:
            self.v.to(policy.device)
        self.width, self.layers = width, policy.layers
        self.eval()

    def follow(self, policy: Policy) -> None:
        """Take over the weights of a policy's transformer."""
        self.body.load_state_dict(policy.causal.base_model.state_dict())

    def read(self, ids: Tensor, where: Tensor, plan: ragged.Plan) -> Tensor:
        """Flat ids and their positions int64 [N] -> last hidden states [N, width]."""
        out = self.body(input_ids=ids[None], position_ids=where[None], use_cache=False, ragged=plan)
        return out.last_hidden_state[0]

    @property
    def heads(self) -> list[Head]:
        """The Q heads."""
        return [head for head in self.q if isinstance(head, Head)]

    def token_values(self, hidden: Tensor) -> Tensor:
        """What every token is worth: the smallest of the heads, float32 [M, vocabulary]."""
        return functools.reduce(torch.minimum, [head(hidden) for head in self.heads])

    def of(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """What one token per position is worth: the smallest of the heads, float32 [M]."""
        return functools.reduce(torch.minimum, self.each(hidden, tokens))

    def each(self, hidden: Tensor, tokens: Tensor) -> list[Tensor]:
        """What each head says that one token per position is worth, float32 [M] each."""
        return [head.of(hidden, tokens) for head in self.heads]

    def surprise(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """The cross-entropy of the tokens under every head, summed over heads, [M]; see `Head.surprise`."""
        return torch.stack([head.surprise(hidden, tokens) for head in self.heads]).sum(0)

    def state_values(self, hidden: Tensor) -> Tensor:
        """What the state is worth, float32 [M].

        Raises:
            TurnwiseError: there is no V head.
        """
        if self.v is None:
            raise TurnwiseError(
                "values of tokens alone", "a V head for values of states", "make Values with state=True"
            )
        return self.v(hidden)[:, 0]
