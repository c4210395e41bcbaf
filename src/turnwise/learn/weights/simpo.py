"""SimPO: the mean log-probability of a token is the implicit reward, without a reference (arXiv 2405.14734,
specs/learn/itool).

    L = -log sigma( beta * (mean log pi(better) - mean log pi(worse)) - gamma )
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import logsigmoid

from turnwise.learn.pairs import Example
from turnwise.learn.weights.dpo import compared
from turnwise.learn.weights.sums import Sums


@dataclass(frozen=True)
class Simpo:
    """The loss of pairs; `Sums` hold better and worse in turn."""

    beta: float = 2.5
    gamma: float = 0.5  # the margin that is wanted
    name = "simpo"
    reads = frozenset[str]()

    def losses(self, sums: Sums, examples: Sequence[Example]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss per pair [P], and what a report shows."""
        mean = sums.logp / sums.tokens
        better, worse = mean[0::2], mean[1::2]
        margin = self.beta * (better - worse) - self.gamma
        return -logsigmoid(margin), compared(better, worse, margin)
