"""Whitening: a batch of credits brought to mean 0 and unit spread, and what counts as one credit there."""

from __future__ import annotations

from typing import Literal

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.rule import CreditInput

Whiten = Literal["none", "turns", "tokens"]
"""Over what a rule whitens: not at all; each turn once; each sampled token once (PPO as published)."""


def whiten(credit_N: np.ndarray, weights_N: np.ndarray | None = None, eps: float = 1e-8) -> np.ndarray:
    """(credit - mean) / (std + eps), mean and population std taken with weights; equal credits give zeros.

    Args:
        credit_N: one number per turn or token.
        weights_N: how often each counts: the 0/1 mask of sampled tokens, or the number of sampled tokens of
            each turn. None: once. Entries of weight 0 come back as 0.
        eps: keeps a batch without spread finite.

    Over tokens, long turns set the mean; over turns, each turn has one vote. Whitening hides a constant
    reward: a batch in which nothing succeeded still yields a gradient, from the critic's noise.
    Source: specs/learn/lmrl_ppo, specs/credit/era-turn-gae.
    """
    weights = np.ones(len(credit_N)) if weights_N is None else np.asarray(weights_N, dtype=np.float64)
    counted = weights > 0
    if not counted.any():
        return np.zeros(len(credit_N))
    weights = weights / weights.sum()
    centred = credit_N - credit_N[counted].min()  # a constant batch becomes exact zeros
    centred = centred - weights @ np.where(counted, centred, 0.0)
    std = np.sqrt(weights @ np.where(counted, centred, 0.0) ** 2)
    return np.where(counted, centred / (std + eps), 0.0)


def whiten_turns(credit_T: np.ndarray, x: CreditInput, over: Whiten) -> np.ndarray:
    """Credits per turn, whitened over what the setting says.

    Raises:
        TurnwiseError: whitening over tokens, of a batch without tokens.
    """
    if over == "none":
        return credit_T
    if over == "turns":
        return whiten(credit_T)
    return whiten(credit_T, x.sampled_per_turn_T)


def check_whiten(over: str) -> None:
    """Refuse a misspelt setting."""
    if over not in ("none", "turns", "tokens"):
        raise TurnwiseError(
            f"whiten = {over!r}",
            "none, turns or tokens",
            "tokens is PPO as published, none leaves credit as it is",
        )
