"""Multi-turn DPO: the summed log-ratio of the agent's own turns is the implicit reward of a path (arXiv 2409.02392,
specs/learn/multi_turn_dpo_kto).

    l(tau) = sum over the agent's tokens of  log pi - log ref
    L = -log sigma( beta * (l(better) - l(worse)) + luck )  +  nll * mean negative log-likelihood of the better side

With one turn it is DPO (arXiv 2305.18290). luck = C(better) - C(worse), C the part of a return that the world's answers
brought beyond what was to be expected (`turnwise.feedback.luck`); it is 0 where the answers are fixed. Where they are
random and it is left out, the luck that the agent did not choose is taken for its merit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from turnwise.learn.pairs import Example, Pair
from turnwise.learn.weights.sums import Sums


@dataclass(frozen=True)
class Dpo:
    """The loss of pairs; `Sums` hold better and worse in turn."""

    beta: float = 0.1  # weight of the KL to the reference
    nll: float = 0.0  # weight of imitating the better side
    name = "dpo"
    reads = frozenset({"reference"})

    def losses(self, sums: Sums, examples: Sequence[Example]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss per pair [P], and what a report shows."""
        better, worse = sums.ratio[0::2], sums.ratio[1::2]
        luck = better.new_tensor([example.luck for example in examples if isinstance(example, Pair)])
        losses = dpo_loss(better, worse, self.beta, luck) + self.nll * nll_of_better(sums)
        return losses, compared(better, worse, self.beta * (better - worse) + luck)


def dpo_loss(better: Tensor, worse: Tensor, beta: float, luck: Tensor | float = 0.0) -> Tensor:
    """-log sigma(beta * (better - worse) + luck), all [P]; log-ratios in nats."""
    return -logsigmoid(beta * (better - worse) + luck)


def nll_of_better(sums: Sums) -> Tensor:
    """Mean negative log-likelihood of a token of the better side, [P]."""
    return -sums.logp[0::2] / sums.tokens[0::2]


def compared(better: Tensor, worse: Tensor, margin: Tensor) -> dict[str, Tensor]:
    """What every objective of pairs reports; both log-ratios may fall while the margin grows."""
    right = torch.where(margin == 0, 0.5, (margin > 0).to(margin.dtype))
    return {"better_ratio": better, "worse_ratio": worse, "margin": margin, "right": right}
