"""Imitation of the better side of each pair, and nothing of the worse: what a preference adds is measured against it
(RAFT, arXiv 2304.06767; specs/learn/multi_turn_dpo_kto).

    L = mean negative log-likelihood of a token of the better side
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from turnwise.learn.pairs import Example
from turnwise.learn.weights.dpo import nll_of_better
from turnwise.learn.weights.sums import Sums


@dataclass(frozen=True)
class Winners:
    """The loss of pairs; `Sums` hold better and worse in turn."""

    name = "winners"
    reads = frozenset[str]()

    def losses(self, sums: Sums, examples: Sequence[Example]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss per pair [P], and the log-probabilities of both sides."""
        return nll_of_better(sums), {"better_logp": sums.logp[0::2], "worse_logp": sums.logp[1::2]}
