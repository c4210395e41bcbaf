"""What the surrogate takes for the ratio of a token: its own, that of its whole episode, or 1 (specs/learn/loop).

token      rho = exp(log pi(j) - log pi_old(j))                               PPO, LOOP per token
episode    rho = exp(sum_j log pi(j) - log pi_old(j)), one per episode        LOOP per trajectory
none       rho = 1, its gradient that of log pi(j)                            REINFORCE: no ratio, so no clip

The sum over an episode is taken before the pass and held fixed; each token brings the gradient of its own part. So the
gradient is that of the whole, however many forward passes the rows of an episode need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import Tensor

from turnwise.core.errors import UnknownName
from turnwise.learn.sequences import Row
from turnwise.learn.weights.lots import logprobs
from turnwise.models.policy import Policy


def of_token(logp: Tensor, old: Tensor, whole: Tensor) -> Tensor:
    """Log-ratio of each token; see the module's table."""
    return logp - old


def of_episode(logp: Tensor, old: Tensor, whole: Tensor) -> Tensor:
    """See the module's table; `whole` is the log-ratio of the token's episode."""
    return whole + (logp - logp.detach())


def of_none(logp: Tensor, old: Tensor, whole: Tensor) -> Tensor:
    """See the module's table."""
    return logp - logp.detach()


RATIOS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "token": of_token,
    "episode": of_episode,
    "none": of_none,
}
WHOLE = frozenset({"episode"})
"""Ratios that read the log-ratio of the whole episode."""


def check_ratio(name: str) -> None:
    """Refuse a misspelt one."""
    if name not in RATIOS:
        raise UnknownName("ratio", name, RATIOS)


def differences(
    policy: Policy, rows: Sequence[Row], sampled: Sequence[np.ndarray], chosen: Sequence[int], batch_tokens: int
) -> dict[int, np.ndarray]:
    """log pi - log pi_old at the loss tokens of each chosen row: row -> float64 [M]."""
    now = logprobs(policy, [rows[i] for i in chosen], batch_tokens)
    return {i: new.astype(np.float64) - sampled[i] for i, new in zip(chosen, now, strict=True)}


def whole_ratios(found: Mapping[int, np.ndarray], rows: Sequence[Row]) -> dict[int, float]:
    """Log-ratio of the episode that each row belongs to: row -> its sum over all rows of the episode."""
    of_each: dict[int, float] = {}
    for i, difference in found.items():
        of_each[rows[i].episode] = of_each.get(rows[i].episode, 0.0) + float(difference.sum())
    return {i: of_each[rows[i].episode] for i in found}


def drift(found: Mapping[int, np.ndarray], rows: Sequence[Row]) -> float:
    """Estimated KL(pi_old || pi) of an episode in nats: mean over episodes of the sum over tokens of
    exp(d) - 1 - d, d = log pi - log pi_old; never negative.
    """
    held = {rows[i].episode for i in found}
    total = sum(float((np.expm1(difference) - difference).sum()) for difference in found.values())
    return total / max(len(held), 1)
