"""Reward-to-go, turn GAE, token GAE and bi-level GAE: worked numbers, plain loops, and what each reduces to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_cases import (
    batches,
    discounts,
    loop_gae,
    loop_inside_turn,
    loop_masked_gae,
    loop_reward_to_go,
    per_episode,
    starts_of,
)
from turnwise.core.errors import TurnwiseError
from turnwise.credit.bilevel_gae import BilevelGae, inside_turns
from turnwise.credit.outcome import outcome
from turnwise.credit.reward_to_go import reward_to_go
from turnwise.credit.rule import CreditInput
from turnwise.credit.token_gae import TokenGae, rewards_on_tokens, token_gae
from turnwise.credit.turn_gae import TurnGae, turn_gae


def close(found, expected):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), atol=1e-9)


def test_worked_turn_gae():
    advantages, targets = turn_gae(np.array([0, 1]), np.array([0.4, 0.6]), np.array([0, 2]), [True], None, 0.99, 0.99)
    close(advantages, [0.58604, 0.4])
    close(targets, [0.98604, 1.0])


def test_worked_token_gae():
    advantages, targets = token_gae([0, 0, 0, 1], [0.2, 0.3, 0.4, 0.5], [1] * 4, [0, 4], [True], gamma=1, lam=0.95)
    np.testing.assert_allclose(advantages, [0.71394, 0.64625, 0.575, 0.5], atol=5e-6)
    close(targets, advantages + [0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize("nines", [9.0, -1000.0, 0.0])
def test_worked_masked_gae_does_not_read_values_of_observations(nines):
    values = [0.2, 0.3, nines, nines, 0.4, 0.5]
    advantages, targets = token_gae([0, 0, 0, 0, 0, 1], values, [1, 1, 0, 0, 1, 1], [0, 6], [True], gamma=1, lam=0.5)
    close(advantages, [0.2375, 0.275, 0, 0, 0.35, 0.5])
    close(targets, [0.4375, 0.575, 0, 0, 0.75, 1.0])


@given(batches(), discounts)
def test_reward_to_go_against_the_loop(batch, gamma):
    found = reward_to_go(batch["rewards_T"], batch["starts_E1"], gamma)
    expected = [c for r in per_episode(batch["rewards_T"], batch["starts_E1"]) for c in loop_reward_to_go(r, gamma)]
    close(found, expected)


@given(batches(), discounts, discounts)
def test_turn_gae_against_the_loop(batch, gamma, lam):
    advantages, targets = turn_gae(**batch, gamma=gamma, lam=lam)
    episodes = zip(
        per_episode(batch["rewards_T"], batch["starts_E1"]),
        per_episode(batch["values_T"], batch["starts_E1"]),
        batch["done_E"],
        batch["bootstrap_E"],
        strict=True,
    )
    close(advantages, [a for episode in episodes for a in loop_gae(*episode, gamma, lam)])
    close(targets, advantages + batch["values_T"])


@given(batches(), discounts, discounts, st.randoms(use_true_random=False))
def test_token_gae_against_the_loop(batch, gamma, lam, random):
    mask = np.array([random.random() < 0.6 for _ in batch["rewards_T"]], dtype=bool)
    rewards = np.where(mask, batch["rewards_T"], 0.0)
    starts, done, boot = batch["starts_E1"], batch["done_E"], batch["bootstrap_E"]
    advantages, _ = token_gae(rewards, batch["values_T"], mask, starts, done, boot, gamma, lam)
    pieces = [per_episode(x, starts) for x in (rewards, batch["values_T"], mask)]
    close(advantages, [a for e in zip(*pieces, done, boot, strict=True) for a in loop_masked_gae(*e, gamma, lam)])


@given(batches())
def test_lambda_one_gamma_one_is_return_to_go_minus_value(batch):
    batch["done_E"][:] = True
    advantages, targets = turn_gae(**batch, gamma=1.0, lam=1.0)
    to_go = reward_to_go(batch["rewards_T"], batch["starts_E1"])
    close(advantages, to_go - batch["values_T"])
    close(targets, to_go)


@given(batches(least_turns=1), discounts)
def test_reductions_of_reward_to_go(batch, gamma):
    rewards, starts = batch["rewards_T"], batch["starts_E1"]
    close(reward_to_go(rewards, starts, 0.0), rewards)
    close(reward_to_go(rewards, starts)[starts[:-1]], outcome(rewards, starts)[starts[:-1]])
    silent = turn_gae(rewards, np.zeros_like(rewards), starts, np.ones(len(starts) - 1, bool), None, gamma, 1.0)[0]
    close(reward_to_go(rewards, starts, gamma), silent)
    only_last = np.zeros_like(rewards)
    only_last[starts[1:] - 1] = rewards[starts[1:] - 1]
    close(reward_to_go(only_last, starts), outcome(only_last, starts))


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=9), discounts, discounts)
def test_one_turn_episodes_are_reward_minus_value(pairs, gamma, lam):
    r, v = np.array(pairs).T
    close(turn_gae(r, v, np.arange(len(r) + 1), np.ones(len(r), bool), None, gamma, lam)[0], r - v)


@given(batches(least_turns=1), discounts, discounts)
def test_terminal_and_cut_differ_by_the_discounted_bootstrap(batch, gamma, lam):
    over, cut = (
        turn_gae(**(batch | {"done_E": np.full(len(batch["done_E"]), done)}), gamma=gamma, lam=lam)[0]
        for done in (True, False)
    )
    last = batch["starts_E1"][1:] - 1
    close((cut - over)[last], gamma * batch["bootstrap_E"])
    first = batch["starts_E1"][:-1]
    close((cut - over)[first], (gamma * lam) ** (last - first) * gamma * batch["bootstrap_E"])


def test_a_cut_episode_without_bootstrap_is_refused_and_a_finished_one_is_not():
    episodes = (np.array([0.0, 1.0]), np.array([0.4, 0.6]), np.array([0, 1, 2]))
    with pytest.raises(TurnwiseError, match="the first is number 1"):
        turn_gae(*episodes, [True, False])
    turn_gae(*episodes, [True, True])
    both = (turn_gae(*episodes, [True, False], [99.0, 0.5], 1.0, 1.0)[0]).tolist()
    assert both == pytest.approx([-0.4, 1.0 + 0.5 - 0.6])  # 99 belongs to a finished episode: not read


@given(batches(least_turns=1), st.integers(1, 5), discounts, discounts)
def test_observation_tokens_change_nothing(batch, inserted, gamma, lam):
    rewards, values, starts = batch["rewards_T"], batch["values_T"], batch["starts_E1"]
    done, boot, n = batch["done_E"], batch["bootstrap_E"], len(batch["rewards_T"])
    plain, _ = token_gae(rewards, values, np.ones(n, bool), starts, done, boot, gamma, lam)
    place = np.arange(n) * (inserted + 1) + inserted  # `inserted` observation tokens before every sampled one
    longer, values_longer = np.zeros(n * (inserted + 1)), np.full(n * (inserted + 1), 1e6)
    longer[place], values_longer[place] = rewards, values
    mask = np.zeros(len(longer), bool)
    mask[place] = True
    padded, _ = token_gae(longer, values_longer, mask, starts * (inserted + 1), done, boot, gamma, lam)
    close(padded[place], plain)
    assert not padded[~mask].any()


@given(batches(), discounts, discounts)
def test_one_token_per_turn_all_three_agree(batch, gamma, lam):
    turns = len(batch["rewards_T"])
    tokens = {"token_starts_T1": np.arange(turns + 1), "token_values_N": batch["values_T"]}
    x = CreditInput(**batch, **tokens)
    turn = TurnGae(gamma, lam).assign(x)
    token = TokenGae(gamma, lam).assign(x)
    bilevel = BilevelGae(gamma, gamma_token=0.7, lam=lam).assign(x)
    close(token.credit, turn.credit)
    close(token.token_targets_N, turn.targets_T)
    close(bilevel.credit, turn.credit)
    close(bilevel.targets_T, turn.targets_T)


@given(batches(least_turns=1), discounts, discounts, st.randoms(use_true_random=False))
def test_bilevel_against_the_loop_and_equal_to_the_turn_on_its_last_token(batch, gamma_token, lam, random):
    turns = len(batch["rewards_T"])
    starts_T1 = starts_of([random.randint(0, 4) for _ in range(turns)])
    rng = np.random.default_rng(random.randint(0, 10**6))
    mask, values = rng.random(starts_T1[-1]) < 0.7, rng.normal(size=starts_T1[-1])
    x = CreditInput(**batch, token_starts_T1=starts_T1, token_mask_N=mask, token_values_N=values)
    found = BilevelGae(0.95, gamma_token, lam).assign(x).credit
    advantages = TurnGae(0.95, lam).assign(x).credit
    pieces = zip(advantages, per_episode(values, starts_T1), per_episode(mask, starts_T1), strict=True)
    close(found, [c for piece in pieces for c in loop_inside_turn(*piece, gamma_token, lam)])
    for t in range(turns):
        sampled = np.flatnonzero(mask[starts_T1[t] : starts_T1[t + 1]]) + starts_T1[t]
        if len(sampled):
            assert found[sampled[-1]] == pytest.approx(advantages[t])


def test_tokens_of_a_turn_share_its_credit_whatever_their_number():
    x = CreditInput([0.3, 0.3], [0, 1, 2], [True, True], values_T=[0.1, 0.1], token_starts_T1=[0, 5, 505])
    credit = TurnGae().assign(x)
    np.testing.assert_allclose(credit.on_tokens(x), 0.2)


def test_forced_tokens_of_a_turn_get_no_credit():
    x = CreditInput([1.0], [0, 1], [True], values_T=[0.25], token_starts_T1=[0, 3], token_mask_N=[False, True, True])
    assert TurnGae().assign(x).on_tokens(x).tolist() == [0, 0.75, 0.75]


def test_turn_rewards_land_on_the_last_sampled_token_before_the_end_of_their_turn():
    #          turn 0     1 (forced)  2     | episode 2: turn 3 (forced)  4
    mask = np.array([1, 1, 0, 0, 0, 1, 0, 1], dtype=bool)
    token_starts, starts = np.array([0, 3, 5, 6, 7, 8]), np.array([0, 3, 5])
    placed = rewards_on_tokens(np.array([1.0, 10, 100, 1000, 10000]), starts, token_starts, mask)
    assert placed.tolist() == [0, 11, 0, 0, 0, 100, 0, 10000]  # the 1000 came before anything was sampled


def test_a_reward_on_a_token_nobody_sampled_is_refused():
    with pytest.raises(TurnwiseError, match="the first on token 1"):
        token_gae([0, 1.0], [0, 0], [True, False], [0, 2], [True])


def test_sixty_tokens_weaken_a_token_trace_and_not_a_turn_trace():
    tokens = np.array([0, 60, 61])
    x = CreditInput([0, 1.0], [0, 2], [True], values_T=[0, 0], token_starts_T1=tokens, token_values_N=np.zeros(61))
    assert TokenGae(1.0, 0.95).assign(x).credit[0] == pytest.approx(0.95**60)
    assert TurnGae(1.0, 0.95).assign(x).on_tokens(x)[0] == pytest.approx(0.95)


@given(batches(least_turns=1), st.randoms(use_true_random=False))
def test_episodes_in_another_order_get_the_same_credit(batch, random):
    starts = batch["starts_E1"]
    order = list(range(len(starts) - 1))
    random.shuffle(order)
    turns = np.concatenate([np.arange(starts[e], starts[e + 1]) for e in order])
    shuffled = {
        "rewards_T": batch["rewards_T"][turns],
        "values_T": batch["values_T"][turns],
        "starts_E1": starts_of(np.diff(starts)[order]),
        "done_E": batch["done_E"][order],
        "bootstrap_E": batch["bootstrap_E"][order],
    }
    close(turn_gae(**shuffled)[0], turn_gae(**batch)[0][turns])


def test_integer_values_do_not_round_the_bootstrap():
    assert turn_gae(np.array([0]), np.array([0]), np.array([0, 1]), [False], [0.5], 1.0, 1.0)[0].tolist() == [0.5]


def test_inside_turns_of_nothing():
    assert inside_turns(np.zeros(2), np.zeros(0), np.zeros(0, bool), np.zeros(3, int)).tolist() == []


def test_exact_values_and_lambda_zero_give_an_unbiased_advantage():
    """Two steps, two actions each: averaging one-step errors over all paths gives Q - V exactly."""
    p = [0.3, 0.7]
    reward = {(0, 0): 0.0, (0, 1): 1.0, (1, 0): 0.5, (1, 1): 0.2}  # (first act, second act) -> reward at the end
    v2 = [sum(p[b] * reward[a, b] for b in (0, 1)) for a in (0, 1)]
    v1 = sum(p[a] * v2[a] for a in (0, 1))
    paths = [(a, b) for a in (0, 1) for b in (0, 1)]
    rewards = np.array([r for path in paths for r in (0.0, reward[path])])
    values = np.array([v for a, _ in paths for v in (v1, v2[a])])
    advantages, _ = turn_gae(rewards, values, np.arange(0, 9, 2), np.ones(4, bool), None, 1.0, 0.0)
    first = advantages[::2].reshape(2, 2)  # [first act, second act]
    close(first @ p, np.array(v2) - v1)
    close(advantages[1::2], [reward[a, b] - v2[a] for a, b in paths])
