"""Token-level DPO: the margin of a pair is corrected by how far each side's laws have moved from the reference
(arXiv 2404.11999, specs/learn/tdpo), over the agent's own tokens.

    K(y)   = sum over tokens of  KL(ref || pi)            gradient through pi
    z      = l(better) - l(worse) - alpha * (K(worse) - stopgrad K(better))       TDPO2
    z      = l(better) - l(worse) - (K(worse) - K(better))                        TDPO1
    L      = -log sigma(beta * z)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import logsigmoid

from turnwise.core.errors import UnknownName
from turnwise.learn.pairs import Example
from turnwise.learn.weights.dpo import compared
from turnwise.learn.weights.sums import Sums

VARIANTS = ("tdpo1", "tdpo2")


@dataclass(frozen=True)
class Tdpo:
    """The loss of pairs; `Sums` hold better and worse in turn."""

    beta: float = 0.1
    alpha: float = 0.5  # weight of the correction in TDPO2
    variant: str = "tdpo2"
    name = "tdpo"
    reads = frozenset({"reference", "kl"})

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UnknownName("variant of TDPO", self.variant, VARIANTS)

    def losses(self, sums: Sums, examples: Sequence[Example]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss per pair [P], and what a report shows."""
        better, worse = sums.ratio[0::2], sums.ratio[1::2]
        kept, held = sums.kl[0::2], sums.kl[1::2]
        if self.variant == "tdpo1":
            z = better - worse - (held - kept)
        else:
            z = better - worse - self.alpha * (held - kept.detach())
        shown = compared(better, worse, self.beta * z) | {"better_kl": kept, "worse_kl": held}
        return -logsigmoid(self.beta * z), shown
