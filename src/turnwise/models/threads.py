"""How many processor threads a model is worth."""

from __future__ import annotations

import torch

from turnwise.models.policy import Policy

SMALL = 500_000
"""Parameters up to which one thread is used. The threads of torch meet at every operation; in a model this small they
gain a third on an idle machine with two cores, and are several times slower on one that does anything else."""


def fit_threads(policy: Policy) -> None:
    """Let torch use one thread for a small model on processors; then its sums have the same order on any machine of
    the kind, however many cores it has. Larger ones keep torch's own number.
    """
    if policy.device.type == "cpu" and sum(p.numel() for p in policy.parameters()) <= SMALL:
        torch.set_num_threads(1)
