"""The law a token is drawn from, and the drawing: a row's draws depend on its own key and nothing else.

Token j of a reply is the inverse of the law's cumulative distribution at u(key, j), where u is a
counter-based stream (splitmix64). Which other rows share a step has no part in it, so an episode's tokens do
not depend on the batch, up to rounding of the logits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from turnwise.core.errors import TurnwiseError

GOLDEN, MIX1, MIX2 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn and when it stops."""

    temperature: float = 1.0  # logits are divided by it; 0 takes the likeliest token
    top_p: float = 1.0  # keep the smallest set of likeliest tokens that holds this much probability
    top_k: int = 0  # keep the k likeliest tokens; 0 keeps all
    max_new: int = 32  # tokens of a reply at most
    stop_ids: tuple[int, ...] = ()  # a reply ends with the first of these, which belongs to it

    def __post_init__(self) -> None:
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0 or self.max_new < 1:
            raise TurnwiseError(
                f"{self}",
                "temperature >= 0, 0 < top_p <= 1, top_k >= 0, max_new >= 1",
            )
        object.__setattr__(self, "stop_ids", tuple(sorted(set(self.stop_ids))))

    @property
    def exact(self) -> bool:
        """True where the law sampled from is the policy itself; training on log-probabilities needs that."""
        return self.temperature == 1.0 and self.top_p == 1.0 and self.top_k == 0


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * MIX1
    z = (z ^ (z >> np.uint64(27))) * MIX2
    return z ^ (z >> np.uint64(31))


def streams(keys: Iterable[int] | np.ndarray) -> np.ndarray:
    """64-bit keys -> uint64 starts of their streams; mixed once, so that keys 0, 1, 2 give unrelated
    streams.
    """
    with np.errstate(over="ignore"):
        return _mix(np.asarray(keys, np.uint64) + GOLDEN)


def uniforms(starts: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Number `index` of each stream, float64 in [0, 1): splitmix64 (Steele, Lea and Flood 2014), 53 bits."""
    with np.errstate(over="ignore"):
        z = _mix(starts + (index.astype(np.uint64) + np.uint64(1)) * GOLDEN)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


@dataclass(frozen=True, slots=True)
class Laws:
    """The laws of several rows, one value per row; None where no row's value changes anything."""

    temperature: np.ndarray | None
    top_p: np.ndarray | None
    top_k: np.ndarray | None

    @classmethod
    def of(cls, temperature: np.ndarray, top_p: np.ndarray, top_k: np.ndarray) -> Laws:
        return cls(
            temperature if (temperature != 1).any() else None,
            top_p if (top_p < 1).any() else None,
            top_k if (top_k > 0).any() else None,
        )

    def rows(self, part: slice) -> Laws:
        """The laws of some of the rows."""
        return Laws(*(None if x is None else x[part] for x in (self.temperature, self.top_p, self.top_k)))


def shaped(logits: torch.Tensor, laws: Laws) -> torch.Tensor:
    """Logits [rows, vocabulary] whose softmax is the law really sampled from, float32; -inf where a token was
    cut off.

    Temperature first, then top-k, then top-p on what is left, as the field does. Temperature 0 is the law
    that puts everything on the likeliest token (the first, where several are equal), so its log-probability
    is 0.
    """
    logits = logits.float()
    if laws.temperature is not None:
        heat = torch.as_tensor(laws.temperature, dtype=torch.float32, device=logits.device)[:, None]
        best = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, logits.argmax(-1, keepdim=True), True)
        logits = torch.where((heat == 0) & ~best, -torch.inf, logits / torch.where(heat == 0, 1.0, heat))
    return logits if laws.top_k is None and laws.top_p is None else _filtered(logits, laws)


def _filtered(logits: torch.Tensor, laws: Laws) -> torch.Tensor:
    ordered, tokens = torch.sort(logits, dim=-1, descending=True, stable=True)
    rank = torch.arange(logits.shape[-1], device=logits.device)
    if laws.top_k is not None:
        most = torch.as_tensor(laws.top_k, device=logits.device)[:, None]
        ordered = ordered.masked_fill((most > 0) & (rank >= most), -torch.inf)
    if laws.top_p is not None:
        share = torch.as_tensor(laws.top_p, dtype=torch.float32, device=logits.device)[:, None]
        probs = ordered.softmax(-1)
        ordered = ordered.masked_fill((share < 1) & (probs.cumsum(-1) - probs >= share), -torch.inf)
    return torch.empty_like(ordered).scatter_(1, tokens, ordered)


def draw(logits: torch.Tensor, laws: Laws, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One token per row at u in [0, 1): int64 [rows], and its natural log-probability under the law, float32
    [rows].
    """
    logits = shaped(logits, laws)
    logits = logits - logits.amax(-1, keepdim=True)
    reach = logits.exp().cumsum(-1)
    total = reach[:, -1:].double()
    goal = (torch.as_tensor(u, dtype=torch.float64, device=logits.device)[:, None] * total).float()
    goal = torch.minimum(
        goal, torch.nextafter(reach[:, -1:], torch.zeros_like(goal))
    )  # a token of probability 0 is never met
    token = torch.searchsorted(reach, goal, right=True)
    both = torch.cat([token.double(), logits.gather(1, token).double() - total.log()], 1).cpu().numpy()
    return both[:, 0].astype(np.int64), both[:, 1].astype(np.float32)
