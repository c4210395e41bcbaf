"""Bi-level GAE: turn GAE across turns, token GAE inside each turn that ends in the turn's advantage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.ragged import next_in_piece, scan_back
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.token_gae import whiten_tokens
from turnwise.credit.turn_gae import turn_gae
from turnwise.credit.whiten import Whiten, check_whiten


def inside_turns(
    advantages_T: np.ndarray,
    token_values_N: np.ndarray,
    mask_N: np.ndarray,
    token_starts_T1: np.ndarray,
    gamma_token: float = 1.0,
    lam: float = 0.95,
) -> np.ndarray:
    """Carry each turn's advantage back through its sampled tokens.

        last token: A = A_t
        earlier:    delta = gamma_token * V_next - V;  A = delta + gamma_token * lam * A_next

    Args:
        advantages_T: turn GAE.
        token_values_N: critic at the position that predicts each token; not read where the mask is False.
        mask_N: True where the policy sampled the token.
        token_starts_T1: offsets of the turns, in tokens.
        gamma_token, lam: per sampled token.

    Returns:
        advantages (N,), 0 where the mask is False. One token per turn: turn GAE.
        Source: specs/credit/baselines (after RAGEN-AI/VAGEN).
    """
    sampled = np.flatnonzero(mask_N)
    starts_T1 = np.searchsorted(sampled, token_starts_T1)
    values = token_values_N[sampled]
    deltas = gamma_token * next_in_piece(values, starts_T1, np.zeros(len(advantages_T))) - values
    spoken = np.diff(starts_T1) > 0
    deltas[starts_T1[1:][spoken] - 1] = advantages_T[spoken]
    advantages_N = np.zeros(len(mask_N))
    advantages_N[sampled] = scan_back(deltas, starts_T1, gamma_token * lam)
    return advantages_N


@dataclass(frozen=True)
class BilevelGae:
    """Two discounts: one across turns, one inside a turn. Needs a value per turn and one per token."""

    name: ClassVar[str] = "bilevel-gae"
    needs: ClassVar[frozenset[str]] = frozenset({"critic", "token_critic"})
    unit: ClassVar[Unit] = "token"
    biased: ClassVar[str] = ""
    gamma: float = 0.95  # discount per turn (Video-MTR)
    gamma_token: float = 1.0  # discount per sampled token inside a turn (Video-MTR)
    lam: float = 0.95  # trace decay, per turn and per token
    whiten: Whiten = "none"  # over what advantages are whitened; targets are made before it

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma, gamma_token=self.gamma_token, lam=self.lam)
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        values_T, values_N = x.given("values_T", self.name), x.given("token_values_N", self.name)
        tokens_T1, mask_N = x.given("token_starts_T1", self.name), x.sampled_N
        advantages_T, targets_T = turn_gae(
            x.rewards_T, values_T, x.starts_E1, x.done_E, x.bootstrap_E, self.gamma, self.lam
        )
        credit_N = inside_turns(advantages_T, values_N, mask_N, tokens_T1, self.gamma_token, self.lam)
        targets_N = np.where(mask_N, credit_N + values_N, 0.0)
        return CreditResult("token", whiten_tokens(credit_N, x, self.whiten), targets_T, targets_N)
