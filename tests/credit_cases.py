"""Ragged batches for the credit tests, and the rules written as plain loops over one episode."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from turnwise.credit import CreditInput


def one(rewards, turns=None, episode=None):
    """An episode of its own."""
    return CreditInput(
        rewards, [0, len(rewards)], [True], group_E=[0], signals_T=turns or {},
        signals_E={name: [v] for name, v in (episode or {}).items()},
    )  # fmt: skip


def close(found, expected, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), atol=tolerance)


def starts_of(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(int)


@st.composite
def batches(draw, least_turns=0):
    """Rewards, values, offsets, endings and bootstrap values of a few episodes; some without a turn."""
    lengths = draw(st.lists(st.integers(least_turns, 7), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    turns, episodes = sum(lengths), len(lengths)
    return {
        "rewards_T": rng.normal(size=turns).round(2),
        "values_T": rng.normal(size=turns).round(2),
        "starts_E1": starts_of(lengths),
        "done_E": rng.random(episodes) < 0.5,
        "bootstrap_E": rng.normal(size=episodes).round(2),
    }


@st.composite
def judged(draw, names, least_turns=0, pairs=False):
    """Episodes in groups of two or three, with judgements in [0, 1] by name of turns and of episodes."""
    batch = draw(batches(least_turns))
    if pairs and len(batch["done_E"]) % 2:
        batch = {name: np.concatenate([part, behind(name, part)]) for name, part in batch.items()}
    turns, episodes = len(batch["rewards_T"]), len(batch["done_E"])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return CreditInput(
        batch["rewards_T"],
        batch["starts_E1"],
        batch["done_E"],
        group_E=np.arange(episodes) // 2 if episodes % 2 == 0 else np.zeros(episodes, int),
        signals_T={name: rng.random(turns).round(1) for name in names},
        signals_E={name: rng.random(episodes).round(1) for name in names},
    )


def behind(name, part):
    """A batch a second time behind itself."""
    return part[-1] + part[1:] if name == "starts_E1" else part


discounts = st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0])


def loop_reward_to_go(rewards, gamma):
    credit, ahead = [], 0.0
    for r in reversed(list(rewards)):
        ahead = r + gamma * ahead
        credit.append(ahead)
    return credit[::-1]


def loop_gae(rewards, values, done, bootstrap, gamma, lam):
    advantages, advantage, following = [], 0.0, 0.0 if done else bootstrap
    for r, v in zip(reversed(list(rewards)), reversed(list(values)), strict=True):
        advantage = r + gamma * following - v + gamma * lam * advantage
        advantages.append(advantage)
        following = v
    return advantages[::-1]


def loop_masked_gae(rewards, values, mask, done, bootstrap, gamma, lam):
    """The sheet's walk: V_next and A_next stand still on tokens that were not sampled."""
    advantages, advantage, following = [0.0] * len(mask), 0.0, 0.0 if done else bootstrap
    for j in reversed(range(len(mask))):
        if mask[j]:
            advantage = rewards[j] + gamma * following - values[j] + gamma * lam * advantage
            following, advantages[j] = values[j], advantage
    return advantages


def loop_inside_turn(turn_advantage, values, mask, gamma, lam):
    credit, advantage, following = [0.0] * len(mask), None, None
    for j in reversed(range(len(mask))):
        if mask[j]:
            advantage = turn_advantage if advantage is None else gamma * following - values[j] + gamma * lam * advantage
            following, credit[j] = values[j], advantage
    return credit


def per_episode(flat, starts):
    return [flat[a:b] for a, b in zip(starts, starts[1:], strict=False)]
