"""BARFI's outer loop: how the weights of a blend of rewards change the primary return of the policy it trains.

The inner loop has settled at theta*(phi), where D(theta*, phi) = 0, D = E[sum_t grad log pi_t * sum_{k >= t}
gamma^(k - t) r_phi(k)] - 2 * l2 * theta. Then d theta*/d phi = -(dD/d theta)^-1 dD/d phi, and

    dJ/d phi = -(dD/d phi)^T v,   (dD/d theta)^T v = dJ/d theta,   J the expected primary return.

Axes: P policy parameters, K weights of the blend, T turns, E episodes. Source: arXiv 2310.19007, specs/credit/barfi.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.barfi import Barfi
from turnwise.credit.ragged import next_in_piece, piece_of, scan_back, spread
from turnwise.credit.reward_to_go import RewardToGo, reward_to_go


def direction(
    scores_TP: np.ndarray, credit_T: np.ndarray, starts_E1: np.ndarray, chances_E: np.ndarray | None = None
) -> np.ndarray:
    """D = sum_e chance_e * sum_t score_t * credit_t, (P,): the policy gradient of a batch.

    Args:
        scores_TP: grad log pi of the act taken at each turn.
        credit_T: return-to-go of each turn, of the blend (for D) or of the primary reward (for dJ/d theta).
        starts_E1: offsets of the episodes.
        chances_E: weight of each episode; None: one over their number. With all episodes and their
            probabilities the result is exact.
    """
    return (credit_T * _weights(starts_E1, chances_E)) @ scores_TP


def by_weights(
    scores_TP: np.ndarray,
    streams_KT: Sequence[np.ndarray],
    starts_E1: np.ndarray,
    gamma: float = 1.0,
    chances_E: np.ndarray | None = None,
) -> np.ndarray:
    """dD/d phi, (P, K): the direction of each reward stream by itself, since D is linear in the blend."""
    columns = [direction(scores_TP, reward_to_go(r_T, starts_E1, gamma), starts_E1, chances_E) for r_T in streams_KT]
    return np.stack(columns, axis=1)


def by_gamma(
    scores_TP: np.ndarray,
    blended_T: np.ndarray,
    starts_E1: np.ndarray,
    gamma: float,
    chances_E: np.ndarray | None = None,
) -> np.ndarray:
    """dD/d gamma, (P,): with G_t = r_t + gamma * G_{t+1}, its slope is S_t = G_{t+1} + gamma * S_{t+1}."""
    ahead_T = reward_to_go(blended_T, starts_E1, gamma)
    slope_T = scan_back(next_in_piece(ahead_T, starts_E1, np.zeros(len(starts_E1) - 1)), starts_E1, gamma)
    return direction(scores_TP, slope_T, starts_E1, chances_E)


def curvature_times(
    v_P: np.ndarray,
    scores_TP: np.ndarray,
    second: Callable[[np.ndarray], np.ndarray],
    credit_T: np.ndarray,
    starts_E1: np.ndarray,
    l2: float = 0.25,
    chances_E: np.ndarray | None = None,
) -> np.ndarray:
    """(dD/d theta)^T v, (P,), without forming the matrix.

        E[ sum_t credit_t * (grad^2 log pi_t) v  +  (sum_k score_k) * (sum_t credit_t * score_t . v) ] - 2 * l2 * v

    Args:
        v_P: the vector.
        second: v -> (grad^2 log pi_t) v of the act taken at each turn, (T, P).
        credit_T: return-to-go of the blend.
        l2: weight of |theta|^2 that the inner loop subtracts; keeps the matrix negative definite.
    """
    weight_T = _weights(starts_E1, chances_E)
    along_E = np.bincount(piece_of(starts_E1), weights=credit_T * (scores_TP @ v_P), minlength=len(starts_E1) - 1)
    bent = (credit_T * weight_T) @ second(v_P)
    return bent + (weight_T * spread(along_E, starts_E1)) @ scores_TP - 2.0 * l2 * v_P


@dataclass(frozen=True, eq=False)
class Implicit:
    """The outer gradient and how far it can be trusted."""

    gradient: np.ndarray  # float64 (K,): dJ/d phi
    residual: float  # |(dD/d theta)^T v - dJ/d theta| / |dJ/d theta|: 0 is a solved system, near 1 is none


def implicit_gradient(
    primary_P: np.ndarray,
    by_weights_PK: np.ndarray,
    transposed: Callable[[np.ndarray], np.ndarray],
    lr: float = 0.05,
    terms: int = 5,
) -> Implicit:
    """dJ/d phi = -(dD/d phi)^T v,  v = -lr * sum_{i=0..terms} (I + lr * (dD/d theta)^T)^i g.

    Args:
        primary_P: g = dJ/d theta, by the primary reward and the true discount.
        by_weights_PK: dD/d phi, one column per weight (see `by_weights`, `by_gamma`).
        transposed: v -> (dD/d theta)^T v (see `curvature_times`).
        lr: step of the series, below 2 over the largest curvature.
        terms: powers beyond the first; more bring the residual down. Wrong where the inner loop has not settled.

    Raises:
        TurnwiseError: the series grows, because dD/d theta is not negative definite or lr too large.
    """
    power_P = np.asarray(primary_P, dtype=np.float64)
    total_P, size = power_P.copy(), float(np.linalg.norm(primary_P))
    for _ in range(terms):
        power_P = power_P + lr * transposed(power_P)
        total_P = total_P + power_P
    if np.linalg.norm(power_P) > size * (1.0 + 1e-9):
        raise TurnwiseError(
            f"the series for the outer gradient grows, from {size:.3g} to {np.linalg.norm(power_P):.3g}",
            "a negative definite derivative of the inner direction and a small step",
            "let the inner loop settle, raise its l2, or lower lr",
        )
    v_P = -lr * total_P
    residual = float(np.linalg.norm(transposed(v_P) - primary_P)) / size if size else 0.0
    return Implicit(-np.asarray(by_weights_PK).T @ v_P, residual)


@dataclass(frozen=True, eq=False)
class Solution:
    """v of a damped system, and how far it can be trusted."""

    v_P: np.ndarray  # float64 (P,)
    damping: float  # what is taken off the curvature: that of a term damping / 2 * |theta - theta now|^2
    left: float  # the last term's share of the first; near 0 the series has settled


def damped_solution(
    primary_P: np.ndarray, curvature: Callable[[np.ndarray], np.ndarray], terms: int, l2: float = 0.25
) -> Solution:
    """v with (damping - dD/d theta)^T v = g by  v ~ sum_{i=0..terms} (dD/d theta^T / damping)^i g / damping.

    For an inner loop that goes on and never settles, where dD/d theta is not negative definite: each of its steps stays
    near where it began, as if |theta - theta now|^2 cost something, which is enough for the series to shrink. Without
    terms v is g, and dJ/d phi_k is the product of two policy gradients, that of reward k and that of the primary one.

    Args:
        primary_P: g = dJ/d theta.
        curvature: v -> (dD/d theta)^T v of the batch, without regulariser.
        terms: powers beyond the first; the series ends before one that is larger than the one before it.
        l2: least of what is taken off, halved; it is raised to where the first term is at most half of g.
    """
    power_P = np.asarray(primary_P, dtype=np.float64)
    total_P, size, damping = power_P.copy(), float(np.linalg.norm(power_P)), 2.0 * l2
    for number in range(terms if size else 0):
        bent_P = curvature(power_P)
        if number == 0:
            damping = max(damping, 2.0 * float(np.linalg.norm(bent_P)) / size)
        if np.linalg.norm(bent_P) > damping * np.linalg.norm(power_P):
            break
        power_P = bent_P / damping
        total_P += power_P
    return Solution(total_P / damping, damping, float(np.linalg.norm(power_P)) / size if size else 0.0)


def stepped(rule: Barfi, gradient_K: np.ndarray, slope: float = 0.0, lr: float = 0.05, c_gamma: float = 0.0) -> Barfi:
    """The rule after one outer step uphill: its weights, and the inner discount where that is asked to move.

    Args:
        gradient_K: dJ/d phi, in the order of the rule's weights.
        slope: dJ/d gamma of the inner rule's discount.
        lr: outer learning rate.
        c_gamma: what the outer objective charges per unit of inner discount.
    """
    weights = tuple(float(w) for w in np.asarray(rule.weights) + lr * np.asarray(gradient_K))
    push = lr * (slope - c_gamma)
    if not push:
        return replace(rule, weights=weights)
    if not isinstance(rule.inner, RewardToGo):
        raise TurnwiseError(
            f"a discount to learn inside {rule.inner.name!r}",
            "reward-to-go, for which the slope by gamma is known",
            "set slope and c_gamma to 0, or inner=RewardToGo()",
        )
    gamma = float(np.clip(rule.inner.gamma + push, 0.0, 1.0))
    return replace(rule, weights=weights, inner=replace(rule.inner, gamma=gamma))


def _weights(starts_E1: np.ndarray, chances_E: np.ndarray | None) -> np.ndarray:
    """Weight of each turn: that of its episode, (T,)."""
    episodes = len(starts_E1) - 1
    return spread(np.full(episodes, 1.0 / max(episodes, 1)) if chances_E is None else chances_E, starts_E1)
