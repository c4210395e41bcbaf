"""GiGPO, MT-GRPO, Flow-GRPO, RAPO, the per-turn baseline and the per-episode z-score: worked numbers of their sheets,
plain loops, and what each reduces to.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from credit_cases import batches, discounts, loop_reward_to_go, per_episode, starts_of
from turnwise.core.errors import TurnwiseError
from turnwise.credit import ALIASES, RULES, CreditInput
from turnwise.credit.dr_grpo import dr_grpo
from turnwise.credit.episode_z import EpisodeZ, episode_z
from turnwise.credit.flow_grpo import FlowGrpo, flow_grpo
from turnwise.credit.gigpo import Gigpo, gigpo
from turnwise.credit.grpo import grpo
from turnwise.credit.mt_grpo import MtGrpo, mt_grpo
from turnwise.credit.rapo import Rapo, rapo
from turnwise.credit.turn_baseline import TurnBaseline, turn_baseline

COMPARED = [Gigpo(), Gigpo(norm="mean_std_norm"), MtGrpo(), MtGrpo(combine="sum-then-z"), FlowGrpo(), Rapo()]
COMPARED += [TurnBaseline(), EpisodeZ()]
each = pytest.mark.parametrize("rule", COMPARED, ids=lambda rule: f"{rule.name}-{getattr(rule, 'norm', '')}")


def close(found, expected, atol=1e-9):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), atol=atol)


@st.composite
def grouped(draw, least_turns=0):
    """Ragged episodes in interleaved groups, with states from a short list."""
    batch = draw(batches(least_turns=least_turns))
    episodes, turns = len(batch["done_E"]), len(batch["rewards_T"])
    groups = draw(st.lists(st.integers(-1, 1), min_size=episodes, max_size=episodes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return CreditInput(
        rng.choice([-1.0, 0.0, 0.1, 0.5, 1.0], turns),
        batch["starts_E1"],
        batch["done_E"],
        group_E=np.asarray(groups) * 5,
        state_T=rng.integers(-2, 2, turns) * 10**12,
    )


def z(members, value, ddof, eps):
    size = max(len(members) - ddof, 1)
    return (value - np.mean(members)) / (np.sqrt(np.sum((members - np.mean(members)) ** 2) / size) + eps)


# --- worked numbers ---


def test_worked_gigpo():
    two = (np.array([0, 1.0, 0, 0]), np.array([0, 2, 4]), np.array([3, 3]), np.array([7, 1, 7, 2]))
    close(gigpo(*two, gamma=0.95), [0.975, 0.5, -0.975, -0.5])
    close(gigpo(*two, gamma=0.95, w=2.0), [1.45, 0.5, -1.45, -0.5])
    half = np.sqrt(0.5)
    close(gigpo(*two, gamma=0.95, norm="mean_std_norm", eps=1e-12), [2 * half, half, -2 * half, -half])


def test_worked_flow_grpo():
    """R = 1 over four turns and R = 0 over one: the mean over rows is .8."""
    credit = flow_grpo(np.array([1.0, 0.0]), np.array([0, 4, 5]), np.array([0, 0]))
    close(credit, [0.447, 0.447, 0.447, 0.447, -1.789], atol=5e-4)


def test_worked_episode_z():
    rewards, starts = np.array([-0.5, -0.5, 1.0]), np.array([0, 3])
    close(episode_z(rewards, starts), [-0.9998, -0.0003, 1.0002], atol=5e-5)
    close(episode_z(np.array([0.3]), np.array([0, 1])), [0.3])


def test_worked_rapo():
    """Four of sixteen groups have any spread: factor 4."""
    groups = np.repeat(np.arange(16), 5)
    returns = np.where((groups < 4) & (np.arange(80) % 5 == 0), 1.0, 0.0) + (groups >= 10)
    credit = rapo(returns, groups)
    close(credit, 4 * grpo(returns, groups))
    assert credit[:20].all() and not credit[20:].any()
    useful = returns[:20], groups[:20]
    np.testing.assert_array_equal(rapo(*useful), grpo(*useful))
    assert not rapo(np.full(80, 0.1), groups).any()


def test_worked_mt_grpo():
    """Tool rewards 1, 0 and outcomes 0, 1; the third called no tool and earned 0.4."""
    rewards, starts, group = np.array([1.0, 0, 0, 1.0, 0.4]), np.array([0, 2, 4, 5]), np.zeros(3, int)
    tools, outcomes, sums = np.array([1.0, 0, 0]), np.array([0, 1.0, 0.4]), np.array([1.0, 1, 0.4])
    zt, zo, zs = ([z(x, v, 1, 1e-4) for v in x] for x in (tools, outcomes, sums))
    close(mt_grpo(rewards, starts, group), [zo[0] + zt[0], zo[0], zo[1] + zt[1], zo[1], zs[2]])
    close(mt_grpo(rewards, starts, group, w=0.5)[[0, 2]], [zo[0] + 0.5 * zt[0], zo[1] + 0.5 * zt[1]])
    discounted = tools + 0.9 * outcomes
    zc = [z(discounted, v, 1, 1e-4) for v in discounted]
    credit = mt_grpo(rewards, starts, group, gamma=0.9, combine="sum-then-z")
    close(credit, [zc[0], zo[0], zc[1], zo[1], zc[2]])


def test_loop_is_rloo():
    """K = 6 and K = 2 of specs/learn/loop."""
    rule = RULES[ALIASES["loop"]]()
    x = CreditInput([1, 0.5, 0, 0, 0, 0], np.arange(7), [True] * 6, group_E=[0] * 6)
    close(rule.assign(x).credit, [0.9, 0.3, -0.3, -0.3, -0.3, -0.3])
    assert set(ALIASES.values()) <= RULES.keys() and not ALIASES.keys() & RULES.keys()


# --- the definitions as loops ---


@given(grouped(), discounts, st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from(["mean_norm", "mean_std_norm"]))
def test_gigpo_against_the_loop(x, gamma, w, norm):
    found = per_episode(gigpo(x.rewards_T, x.starts_E1, x.group_E, x.state_T, gamma, w, norm), x.starts_E1)
    to_go = [loop_reward_to_go(r, gamma) for r in per_episode(x.rewards_T, x.starts_E1)]
    states = per_episode(x.state_T, x.starts_E1)
    for i, credit in enumerate(found):
        members = np.flatnonzero(x.group_E == x.group_E[i])
        part = z if norm == "mean_std_norm" else lambda among, value, *_: value - np.mean(among)
        episode = part(x.returns_E[members], x.returns_E[i], 1, 1e-6)
        for t, c in enumerate(credit):
            anchor = np.array(
                [g for j in members for g, s in zip(to_go[j], states[j], strict=True) if s == states[i][t]]
            )
            assert c == pytest.approx(episode + w * part(anchor, to_go[i][t], 1, 1e-6), abs=1e-6)


@given(grouped(), discounts)
def test_turn_baseline_against_the_loop(x, gamma):
    found = per_episode(turn_baseline(x.rewards_T, x.starts_E1, x.group_E, gamma), x.starts_E1)
    to_go = [loop_reward_to_go(r, gamma) for r in per_episode(x.rewards_T, x.starts_E1)]
    for i, credit in enumerate(found):
        for t, c in enumerate(credit):
            alive = [g[t] for j, g in enumerate(to_go) if x.group_E[j] == x.group_E[i] and len(g) > t]
            assert c == pytest.approx(to_go[i][t] - np.mean(alive), abs=1e-9)


@given(grouped(), st.sampled_from([0, 1]))
def test_flow_grpo_against_the_loop(x, ddof):
    found = per_episode(flow_grpo(x.returns_E, x.starts_E1, x.group_E, ddof), x.starts_E1)
    lengths = np.diff(x.starts_E1)
    for i, credit in enumerate(found):
        members = x.group_E == x.group_E[i]
        rows = np.repeat(x.returns_E[members], lengths[members])
        close(credit, [z(rows, x.returns_E[i], ddof, 1e-6) for _ in credit], atol=1e-6)


@given(grouped(), discounts)
def test_episode_z_against_the_loop(x, gamma):
    found = per_episode(episode_z(x.rewards_T, x.starts_E1, gamma), x.starts_E1)
    for credit, rewards in zip(found, per_episode(x.rewards_T, x.starts_E1), strict=True):
        to_go = np.array(loop_reward_to_go(rewards, gamma))
        if len(to_go) == 1 or (len(to_go) and np.ptp(to_go) > 1e-9):
            close(credit, to_go if len(to_go) == 1 else [z(to_go, g, 1, 1e-8) for g in to_go], atol=1e-6)
            assert len(to_go) == 1 or credit.sum() == pytest.approx(0, abs=1e-6)


@given(grouped(), st.sampled_from(["z-then-sum", "sum-then-z"]), discounts, st.sampled_from([0.0, 0.5, 1.0]))
def test_mt_grpo_against_the_loop(x, combine, gamma, w):
    found = per_episode(mt_grpo(x.rewards_T, x.starts_E1, x.group_E, w, gamma, combine), x.starts_E1)
    rewards = per_episode(x.rewards_T, x.starts_E1)
    for i, credit in enumerate(found):
        members = [r for r, g in zip(rewards, x.group_E, strict=True) if g == x.group_E[i]]
        tool = np.array([r[0] if len(r) > 1 else 0.0 for r in members])
        outcome = np.array([r.sum() for r in members]) - tool
        mine = rewards[i][0] if len(rewards[i]) > 1 else 0.0
        rest = rewards[i].sum() - mine
        z_rest = z(outcome, rest, 1, 1e-4)
        if combine == "sum-then-z":
            first = alone = z(tool + gamma * outcome, mine + gamma * rest, 1, 1e-4)
        else:
            first, alone = z_rest + w * z(tool, mine, 1, 1e-4), z(tool + outcome, mine + rest, 1, 1e-4)
        expected = [alone] if len(credit) == 1 else [first, *[z_rest] * (len(credit) - 1)][: len(credit)]
        close(credit, expected, atol=1e-6)


# --- what each reduces to ---


@given(grouped())
def test_gigpo_without_shared_states_is_its_episode_part(x):
    apart = np.arange(len(x.rewards_T))
    lengths = np.diff(x.starts_E1)
    for norm, rule in (("mean_norm", dr_grpo), ("mean_std_norm", grpo)):
        alone = np.repeat(rule(x.returns_E, x.group_E), lengths)
        close(gigpo(x.rewards_T, x.starts_E1, x.group_E, apart, norm=norm), alone)
        close(gigpo(x.rewards_T, x.starts_E1, x.group_E, x.state_T, w=0.0, norm=norm), alone)


@given(grouped())
def test_turn_baseline_is_the_step_part_of_gigpo_with_the_turn_for_the_state(x):
    index = np.concatenate([np.arange(n) for n in np.diff(x.starts_E1)]).astype(int)
    step = gigpo(x.rewards_T, x.starts_E1, x.group_E, index, 0.9) - gigpo(
        x.rewards_T, x.starts_E1, x.group_E, index, 0.9, w=0.0
    )
    close(turn_baseline(x.rewards_T, x.starts_E1, x.group_E, 0.9), step)


@given(st.integers(1, 5), st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=6))
def test_equally_long_episodes_with_one_reward_at_the_end(turns, returns):
    returns, episodes = np.array(returns), len(returns)
    rewards = np.zeros((episodes, turns))
    rewards[:, -1] = returns
    one, starts = np.zeros(episodes, int), np.arange(episodes + 1) * turns
    close(turn_baseline(rewards.ravel(), starts, one), np.repeat(dr_grpo(returns, one), turns))
    close(flow_grpo(returns, starts, one, ddof=0), np.repeat(grpo(returns, one, ddof=0), turns))
    if turns > 1:  # the tool call earned nothing
        close(mt_grpo(rewards.ravel(), starts, one, eps=1e-6), np.repeat(grpo(returns, one), turns))
        close(
            mt_grpo(rewards.ravel(), starts, one, eps=1e-6, combine="sum-then-z"), np.repeat(grpo(returns, one), turns)
        )


@given(grouped())
def test_rapo_is_grpo_times_one_number(x):
    scaled, plain = rapo(x.returns_E, x.group_E), grpo(x.returns_E, x.group_E)
    groups = [x.returns_E[x.group_E == g] for g in np.unique(x.group_E)]
    useful = sum(bool(np.ptp(members) > 1e-12) for members in groups)
    close(scaled, plain * len(groups) / max(useful, 1))


def test_success_and_failure_look_alike_to_the_z_score_of_an_episode():
    """One reward at the end: early turns of a success are punished, and the size of the reward has no say."""
    success = episode_z(np.array([0, 0, 1.0]), np.array([0, 3]), gamma=0.9)
    assert success[0] < 0 < success[2] and success.sum() == pytest.approx(0)
    close(episode_z(np.array([0, 0, 0.01]), np.array([0, 3]), gamma=0.9), success, atol=1e-4)
    close(episode_z(np.array([0, 0, -1.0]), np.array([0, 3]), gamma=0.9), -success)


# --- invariants ---


@each
@settings(max_examples=30)
@given(grouped(), st.randoms(use_true_random=False))
def test_episodes_in_another_order_get_the_same_credit(rule, x, random):
    order = list(range(len(x.done_E)))
    random.shuffle(order)
    turns = np.concatenate([np.arange(x.starts_E1[e], x.starts_E1[e + 1]) for e in order]).astype(int)
    shuffled = CreditInput(
        x.rewards_T[turns],
        starts_of(np.diff(x.starts_E1)[order]),
        x.done_E[order],
        group_E=x.group_E[order],
        state_T=x.state_T[turns],
    )
    close(rule.assign(shuffled).credit, rule.assign(x).credit[turns], atol=1e-6)


@each
@settings(max_examples=30)
@given(grouped(least_turns=1), st.sampled_from([-0.5, 0.25, 8.0]))
def test_a_constant_on_every_return_changes_nothing(rule, x, constant):
    """Added to the last reward of every episode; at gamma 1, since a discount would spread it unevenly."""
    last = np.zeros(len(x.rewards_T))
    last[x.starts_E1[1:] - 1] = constant
    assume(rule.name != "episode-z" or (np.diff(x.starts_E1) > 1).all())  # a lone turn keeps its reward
    rule = replace(rule, gamma=1.0) if hasattr(rule, "gamma") else rule
    more = replace(x, rewards_T=x.rewards_T + last)
    close(rule.assign(more).credit, rule.assign(x).credit, atol=1e-5)


@each
def test_equal_returns_give_exact_zeros(rule):
    x = CreditInput([0.1, 0.2, 0.1, 0.2], [0, 2, 4], [True, True], group_E=[0, 0], state_T=[0, 1, 0, 1])
    if rule.name != "episode-z":
        assert not rule.assign(x).credit.any()
    assert not rule.assign(replace(x, rewards_T=np.zeros(4))).credit.any()


@each
def test_nothing_is_nothing(rule):
    x = CreditInput([], [0], [], group_E=np.zeros(0, int), state_T=np.zeros(0, int))
    assert rule.assign(x).credit.shape == (0,)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Gigpo, {"norm": "std"}),
        (Gigpo, {"gamma": 2.0}),
        (Gigpo, {"ddof": 3}),
        (MtGrpo, {"combine": "both"}),
        (MtGrpo, {"eps": 0.0}),
        (FlowGrpo, {"ddof": -1}),
        (Rapo, {"eps": -1.0}),
        (TurnBaseline, {"gamma": -0.1}),
        (EpisodeZ, {"whiten": "yes"}),
    ],
)
def test_impossible_settings_are_refused_by_name(kind, wrong):
    with pytest.raises(TurnwiseError, match=next(iter(wrong))):
        kind(**wrong)
