"""Token GAE (PPO): temporal differences from one sampled token to the next; other tokens are not time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.gae import gae, value_after_last
from turnwise.credit.ragged import check_starts, piece_of, spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit, check_fraction
from turnwise.credit.whiten import Whiten, check_whiten, whiten


def token_gae(
    rewards_N: np.ndarray,
    values_N: np.ndarray,
    mask_N: np.ndarray,
    starts_E1: np.ndarray,
    done_E: np.ndarray,
    bootstrap_E: np.ndarray | None = None,
    gamma: float = 1.0,
    lam: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """GAE over the sampled tokens k = 1..K of each episode, as if the others were not there.

        delta_k = r_k + gamma * V_{k+1} - V_k;  A_k = delta_k + gamma * lam * A_{k+1};  target_k = A_k + V_k

    V_{k+1} belongs to the next sampled token even across an observation, so observations cost no discount.

    Args:
        rewards_N: reward on each token; it must lie on sampled tokens.
        values_N: critic at the position that predicts each token; not read where the mask is False.
        mask_N: True where the policy sampled the token.
        starts_E1: offsets of the episodes, in tokens.
        done_E, bootstrap_E: as in turn GAE: after the last token 0 if done, the bootstrap value if cut.
        gamma, lam: per sampled token: lam .95 is .046 after 60 tokens.

    Returns:
        advantages (N,) and critic targets (N,), both 0 where the mask is False. One token per turn: turn GAE.
        Source: specs/learn/lmrl_ppo, specs/credit/baselines.

    Raises:
        TurnwiseError: a reward on a token that was not sampled, which other code drops silently.
    """
    mask_N = np.asarray(mask_N, dtype=bool)
    starts_E1 = check_starts(starts_E1, len(mask_N), "starts_E1")
    rewards_N, values_N = np.asarray(rewards_N, dtype=np.float64), np.asarray(values_N, dtype=np.float64)
    lost = np.flatnonzero(~mask_N & (rewards_N != 0))
    if len(lost):
        raise TurnwiseError(
            f"{len(lost)} rewards lie on tokens that were not sampled (the first on token {lost[0]})",
            "rewards on sampled tokens only",
            "put a turn's reward on the last sampled token of the turn: rewards_on_tokens",
        )
    sampled = np.flatnonzero(mask_N)
    after_last_E = value_after_last(done_E, bootstrap_E)
    advantages_N, targets_N = np.zeros(len(mask_N)), np.zeros(len(mask_N))
    advantages_N[sampled], targets_N[sampled] = gae(
        rewards_N[sampled], values_N[sampled], np.searchsorted(sampled, starts_E1), after_last_E, gamma, lam
    )
    return advantages_N, targets_N


def rewards_on_tokens(
    rewards_T: np.ndarray, starts_E1: np.ndarray, token_starts_T1: np.ndarray, mask_N: np.ndarray
) -> np.ndarray:
    """Each turn's reward on the last token that the policy sampled up to the end of that turn, (N,).

    A turn without a sampled token (a forced one) passes its reward to the sampled token before it in the
    episode, which led there. Where none stands before it the reward is left out: nothing that the policy did
    could have changed it.
    """
    sampled = np.concatenate([[-1], np.flatnonzero(mask_N)])
    latest = sampled[np.searchsorted(sampled, token_starts_T1[1:]) - 1]
    caused = latest >= token_starts_T1[starts_E1[piece_of(starts_E1)]]
    rewards_N = np.zeros(len(mask_N))
    np.add.at(rewards_N, latest[caused], rewards_T[caused])
    return rewards_N


@dataclass(frozen=True)
class TokenGae:
    """Advantages per token from a critic that speaks at every token."""

    name: ClassVar[str] = "token-gae"
    needs: ClassVar[frozenset[str]] = frozenset({"token_critic"})
    unit: ClassVar[Unit] = "token"
    biased: ClassVar[str] = ""
    gamma: float = 1.0  # discount per sampled token (LMRL-Gym)
    lam: float = 0.95  # trace decay per sampled token (LMRL-Gym)
    whiten: Whiten = "none"  # over what advantages are whitened; published: tokens. Targets are made before it

    def __post_init__(self) -> None:
        check_fraction(gamma=self.gamma, lam=self.lam)
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        values_N, tokens_T1 = x.given("token_values_N", self.name), x.given("token_starts_T1", self.name)
        mask_N = x.sampled_N
        rewards_N = rewards_on_tokens(x.rewards_T, x.starts_E1, tokens_T1, mask_N)
        if x.token_rewards_N is not None:
            rewards_N = rewards_N + x.token_rewards_N
        advantages_N, targets_N = token_gae(
            rewards_N, values_N, mask_N, tokens_T1[x.starts_E1], x.done_E, x.bootstrap_E, self.gamma, self.lam
        )
        return CreditResult("token", whiten_tokens(advantages_N, x, self.whiten), token_targets_N=targets_N)


def whiten_tokens(credit_N: np.ndarray, x: CreditInput, over: Whiten) -> np.ndarray:
    """Credits per token, whitened over sampled tokens, each counted once or each turn counted once."""
    if over == "none":
        return credit_N
    if over == "tokens":
        return whiten(credit_N, x.sampled_N)
    share_T = 1.0 / np.maximum(x.sampled_per_turn_T, 1.0)
    return whiten(credit_N, x.sampled_N * spread(share_T, x.given("token_starts_T1")))
