"""Multi-turn KTO: a path is wanted or not, and judged against how far the policy has moved in general (arXiv
2402.01306; its multi-turn form arXiv 2409.02392, specs/learn/multi_turn_dpo_kto).

    z = max(0, mean over the step's sides of l(tau_k behind another side's prompt)), without gradient
    wanted      good_weight * (1 - sigma( beta * (l - z) ))
    unwanted    bad_weight  * (1 - sigma( beta * (z - l) ))

l is the log-ratio of `turnwise.learn.weights.dpo`, and needs fixed answers as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from turnwise.learn.pairs import Example, Verdict
from turnwise.learn.sequences import Row, Span
from turnwise.learn.weights.sums import Sums


@dataclass(frozen=True)
class Kto:
    """The loss of single sides."""

    beta: float = 0.1
    good_weight: float = 1.0
    bad_weight: float = 1.0
    name = "kto"
    reads = frozenset({"reference", "strangers"})

    def losses(self, sums: Sums, examples: Sequence[Example]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss per side [S], and what a report shows."""
        good = torch.tensor([isinstance(e, Verdict) and e.good for e in examples], device=sums.logp.device)
        z = sums.strangers.detach().mean().clamp(min=0.0)
        losses = kto_loss(sums.ratio, z, good, self.beta, self.good_weight, self.bad_weight)
        kept = {"better_ratio": sums.ratio[good], "worse_ratio": sums.ratio[~good], "z": z[None]}
        return losses, kept


def kto_loss(ratio: Tensor, z: Tensor, good: Tensor, beta: float, good_weight: float, bad_weight: float) -> Tensor:
    """Loss of each side, [S]; `ratio` [S] and `z` [] in nats, `good` bool [S]."""
    gained = torch.where(good, ratio - z, z - ratio)
    weight = torch.where(good, good_weight, bad_weight).to(ratio.dtype)
    return weight * (1.0 - torch.sigmoid(beta * gained))


def strangers(sides: Sequence[Sequence[Row]], longest: int) -> list[list[Row]]:
    """Each side behind the prompt of the next one, row by row: the opening of a row is replaced, what follows stays.

    Args:
        sides: the rows of each side.
        longest: ids that a model can read; what lies beyond is cut.
    """
    return [
        [behind(row, other[n % len(other)], longest) for n, row in enumerate(side)]
        for side, other in zip(sides, [*sides[1:], *sides[:1]], strict=True)
    ]


def behind(row: Row, other: Row, longest: int) -> Row:
    """A row that opens as another does, up to where the agent first spoke."""
    own, new = opening(row), opening(other)

    def joined(one: np.ndarray, then: np.ndarray) -> np.ndarray:
        return np.concatenate([one[:new], then[own:]])[:longest]

    return replace(
        row,
        ids=joined(other.ids, row.ids),
        loss=joined(np.zeros(new, bool), row.loss),
        logprobs=joined(other.logprobs, row.logprobs),
        spans=tuple(Span(s.turn, s.start + new - own, s.end + new - own) for s in row.spans),
    )


def opening(row: Row) -> int:
    """Ids of a row before the first that counts."""
    return int(np.flatnonzero(row.loss)[0])
