"""What a learner counts while it steps: sums over tokens and states, and the means that a report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor


@dataclass
class Tally:
    """Sums over tokens and states, and the means a report shows."""

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    norms: list[float] = field(default_factory=list)
    gaps: list[np.ndarray] = field(default_factory=list)  # |recomputed - sampled log-probability| before the first step

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add values of one lot, [M] each."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach().sum())
            self.counts[name] = self.counts.get(name, 0) + value.numel()

    @property
    def gap(self) -> float:
        """The largest gap between trainer and sampler, in nats."""
        return max((float(gap.max()) for gap in self.gaps if len(gap)), default=0.0)

    def means(self) -> dict[str, float]:
        """Mean per entry, the mean gradient norm per step, and how far trainer and sampler were apart."""
        found = {name: value / max(self.counts[name], 1) for name, value in self.sums.items()}
        found["gradient_norm"] = float(np.mean(self.norms)) if self.norms else 0.0
        if self.gaps:
            found |= {"logprob_gap": self.gap, "logprob_gap_mean": float(np.concatenate(self.gaps).mean())}
        return found
