"""IGPO and SPA: worked numbers, plain loops, limits, and where they point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from test_credit_bias import TRUE, V, expected_of_pairs, sine

from credit_cases import close, judged, loop_reward_to_go, per_episode, starts_of
from turnwise.credit import CreditInput
from turnwise.credit.gated import Gated
from turnwise.credit.grpo import Grpo, grpo
from turnwise.credit.igpo import BIASED, Igpo, information_gain, norm_then_sum, sum_then_norm, telescoped
from turnwise.credit.reward_to_go import RewardToGo, reward_to_go
from turnwise.credit.spa import Spa, fit_contributions, fit_table
from turnwise.credit.turn_gae import TurnGae
from turnwise.credit.video_mtr import VideoMtr

# --- IGPO -------------------------------------------------------------------------------------------------------------

SEARCH = {"rewards_T": [0, 0, 1.0, 0, 0], "starts_E1": [0, 3, 5], "done_E": [True, True], "group_E": [0, 0]}


PROBE = {"signals_T": {"probe": [0.5, 0.4, 0.9, 0.3, 0.3]}, "signals_E": {"probe": [0.2, 0.3]}}


def test_worked_information_gain():
    x = CreditInput(**SEARCH, **PROBE)
    gains = information_gain(x.rewards_T, x.signals_T["probe"], x.signals_E["probe"], x.starts_E1)
    close(gains, [0.3, -0.1, 1.0, 0, 0])
    close(Igpo("raw").assign(x).credit, gains)
    close(reward_to_go(gains, x.starts_E1), [1.2, 0.9, 1.0, 0, 0])
    joint = [0.1489, -0.8437, 1.8859, -0.5956, -0.5956]
    close(grpo(gains, [0, 0, 0, 0, 0], ddof=0), joint, 6e-5)
    close(Igpo("norm-then-sum").assign(x).credit, [1.1911, 1.0422, 1.8859, -1.1911, -0.5956], 6e-5)
    close(Igpo("sum-then-norm").assign(x).credit, [1, 0.5, 2 / 3, -1, -1], 1e-5)
    close(Igpo("telescoped").assign(x).credit, [0.8, 0.5, 0.6, -0.3, -0.3])


def test_all_wrong_is_silent_for_grpo_and_not_for_igpo():
    x = CreditInput(**(SEARCH | {"rewards_T": [0.0] * 5}), **PROBE)
    assert not Grpo().assign(x).credit.any()
    for order in BIASED:
        assert Igpo(order).assign(x).credit[:3].any()


@given(judged(("probe",)), st.sampled_from([0.5, 1.0]), st.sampled_from([0, 1]))
def test_igpo_against_the_loop(x, gamma, ddof):
    eps, probe, first = 1e-6, x.signals_T["probe"], x.signals_E["probe"]
    raw, ahead, fair = [], [], []
    for r, p, start in zip(per_episode(x.rewards_T, x.starts_E1), per_episode(probe, x.starts_E1), first, strict=True):
        path = [start, *p]
        gains = [r[t] + (path[t + 1] - path[t] if t < len(r) - 1 else 0.0) for t in range(len(r))]
        raw += gains
        ahead.append(loop_reward_to_go(gains, gamma))
        fair += [g - path[t] for t, g in enumerate(loop_reward_to_go(r, gamma))]
    close(Igpo("raw").assign(x).credit, raw)
    close(Igpo("telescoped", gamma=gamma).assign(x).credit, fair)
    sums, joint = [], []
    for e, group in enumerate(x.group_E):
        mates = [k for k in range(len(ahead)) if x.group_E[k] == group]
        totals = np.array([ahead[k][0] if ahead[k] else 0.0 for k in mates])
        width = totals.std(ddof=ddof) if len(totals) > ddof else 0.0
        sums += [(a - totals.mean()) / (width + eps) if width > 1e-12 else 0.0 for a in ahead[e]]
        everyone = np.concatenate([np.array(raw)[x.starts_E1[k] : x.starts_E1[k + 1]] for k in mates])
        if not len(ahead[e]):
            continue
        width = everyone.std(ddof=ddof) if len(everyone) > ddof else 0.0
        own = np.array(raw)[x.starts_E1[e] : x.starts_E1[e + 1]]
        joint += loop_reward_to_go((own - everyone.mean()) / (width + eps), gamma)
    close(Igpo("sum-then-norm", gamma=gamma, ddof=ddof).assign(x).credit, sums, 1e-6)
    close(Igpo("norm-then-sum", gamma=gamma, ddof=ddof).assign(x).credit, joint, 1e-6)


@given(judged(("probe",), least_turns=1))
def test_gains_telescope_and_a_constant_probe_gives_nothing(x):
    probe, first = np.round(x.signals_T["probe"] * 8) / 8, np.round(x.signals_E["probe"] * 8) / 8  # exact in binary
    nothing = np.zeros(len(probe))
    gains = information_gain(nothing, probe, first, x.starts_E1)
    before_last = np.where(np.diff(x.starts_E1) > 1, probe[x.starts_E1[1:] - 2], first)
    np.testing.assert_array_equal([g.sum() for g in per_episode(gains, x.starts_E1)], before_last - first)
    flat = np.repeat(first, np.diff(x.starts_E1))
    np.testing.assert_array_equal(information_gain(x.rewards_T, flat, first, x.starts_E1), x.rewards_T)


@given(judged(("probe",)))
def test_telescoped_is_reward_to_go_with_the_probe_as_critic(x):
    """Turn GAE at lambda 1 whose critic is the probe before each turn: the same numbers."""
    probe, first = x.signals_T["probe"], x.signals_E["probe"]
    before = [p for e, s in enumerate(per_episode(probe, x.starts_E1)) for p in [first[e], *s][: len(s)]]
    over = replace(x, values_T=before, done_E=np.ones(len(first), bool))
    close(Igpo().assign(x).credit, TurnGae(gamma=1.0, lam=1.0).assign(over).credit)
    sums = telescoped(np.zeros(len(probe)), probe, first, x.starts_E1)
    close(sums, -np.asarray(before))


def with_probe(x):
    """The stopping problem's batch, with a probe that knows a good part of the value, and noise that it should not."""
    turns = x.state_T
    return replace(x, signals_T={"probe": V[turns + 1] * 0.7 + 0.1}, signals_E={"probe": np.full(len(x.done_E), 0.4)})


def test_only_telescoped_points_where_the_return_grows():
    angles = {o: sine(expected_of_pairs(lambda x, o=o: Igpo(o).assign(with_probe(x)).credit), TRUE) for o in BIASED}
    assert angles.pop("telescoped") < 1e-9
    assert min(angles.values()) > 1e-2
    assert Igpo().biased == "" and all(Igpo(order).biased for order in angles)
    assert {order for order in BIASED if "group" in Igpo(order).needs} == {"norm-then-sum", "sum-then-norm"}


def test_a_group_whose_totals_tie_is_silent_under_sum_then_norm():
    """Otherwise later turns, which differ from the total, would be divided by eps."""
    gains = np.array([0.25, 0.5, 0.5, 0.25])
    assert not sum_then_norm(gains, np.array([0, 2, 4]), np.zeros(2, int), 1.0, 0, 1e-6).any()
    close(norm_then_sum(gains, np.array([0, 2, 4]), np.zeros(2, int), 1.0, 0, 1e-9), [0, 1, 0, -1], 1e-6)


@given(judged(("probe", "step", "contribution", "iou", "form"), least_turns=1), st.randoms(use_true_random=False))
def test_permuting_episodes_permutes_credit(x, random):
    order = list(range(len(x.done_E)))
    random.shuffle(order)
    lengths = np.diff(x.starts_E1)
    turns = np.concatenate([np.arange(x.starts_E1[e], x.starts_E1[e + 1]) for e in order])
    other = CreditInput(
        x.rewards_T[turns],
        starts_of(lengths[order]),
        x.done_E[order],
        group_E=x.group_E[order],
        signals_T={name: v[turns] for name, v in x.signals_T.items()},
        signals_E={name: v[order] for name, v in x.signals_E.items()},
    )
    rules = [*map(Igpo, BIASED), Spa(), Gated(inner=Grpo()), VideoMtr(inner=RewardToGo(0.95))]
    for rule in rules:
        close(rule.assign(other).credit, rule.assign(x).credit[turns], 1e-8)


# --- SPA --------------------------------------------------------------------------------------------------------------


def corridor(rng, episodes=400):
    """Eight turns, four acts; success iff act 0 at turn 2 and act 0 at turn 7."""
    acts = rng.integers(0, 4, (episodes, 8))
    outcome = ((acts[:, 2] == 0) & (acts[:, 7] == 0)).astype(float)
    key = np.cumsum((acts == 0) & (np.arange(8) == 2), axis=1) - ((acts == 0) & (np.arange(8) == 2))
    ids = ((np.arange(8) * 2 + key) * 4 + acts).ravel()
    return ids, np.arange(episodes + 1) * 8, outcome


def test_fitted_contributions_sum_to_the_outcome_and_single_out_the_deciding_turns():
    ids, starts, outcome = corridor(np.random.default_rng(0))
    theta = fit_table(ids, starts, outcome, ridge=0.01, size=64)
    gap = np.abs(np.add.reduceat(theta[ids], starts[:-1]) - outcome).mean()
    assert gap < 0.02
    other, _, won = corridor(np.random.default_rng(1))
    table = theta.reshape(8, 2, 4)
    assert table[7, 1, 0] - table[7, 1, 1:].max() > 0.5  # opening, with the key
    assert np.ptp(table[4, 1]) < 0.1  # a turn that does nothing
    sums = np.add.reduceat(theta[other], starts[:-1])
    assert np.corrcoef(sums, won)[0, 1] > 0.95


def test_contributions_beat_the_length_of_held_out_episodes():
    """Work-and-stop: progress counts, turns do not; the number of turns says little of the outcome."""
    rng = np.random.default_rng(3)

    def batch(count=500):
        lengths = rng.integers(1, 6, count)
        work = rng.random(lengths.sum()) < 0.5
        done = np.add.reduceat(work, starts_of(lengths)[:-1])
        return work.astype(int), starts_of(lengths), (done >= 2).astype(float), lengths

    ids, starts, won, _ = batch()
    theta = fit_table(ids, starts, won, size=2)
    held, cuts, truth, lengths = batch()
    sums = np.add.reduceat(theta[held], cuts[:-1])
    assert np.corrcoef(sums, truth)[0, 1] > np.corrcoef(lengths, truth)[0, 1] + 0.05


@given(st.integers(0, 10**6), st.integers(1, 30), st.sampled_from([0.1, 1.0]))
def test_the_fit_is_the_minimum_of_its_loss_in_both_systems(seed, features, ridge):
    rng = np.random.default_rng(seed)
    starts = starts_of(rng.integers(0, 5, 12))
    f, won = rng.normal(size=(starts[-1], features)), rng.random(12)
    theta = fit_contributions(f, starts, won, ridge)
    sums = np.stack([piece.sum(0) for piece in per_episode(f, starts)])
    close(sums.T @ (sums @ theta - won) + ridge * theta, np.zeros(features), 1e-7)


@given(st.integers(0, 10**6))
def test_a_table_is_a_one_hot_fit(seed):
    rng = np.random.default_rng(seed)
    starts = starts_of(rng.integers(1, 5, 9))
    ids, won = rng.integers(0, 6, starts[-1]), rng.random(9)
    table = fit_table(ids, starts, won, size=8)
    close(table, fit_contributions(np.eye(8)[ids], starts, won))
    assert not table[6:].any()


def test_a_constant_feature_shares_the_outcome_over_the_turns():
    theta = fit_contributions(np.ones((40, 1)), np.arange(11) * 4, np.full(10, 0.6), ridge=1e-9)
    close(theta, [0.6 / 4], 1e-6)


def test_an_act_that_the_world_did_not_carry_out_has_its_contribution_alone():
    x = CreditInput(
        [0, 0, 1.0],
        [0, 3],
        [True],
        signals_T={"contribution": [0.2, 0.4, 0.3], "executed": [1, 0, 1]},
    )
    close(Spa(alpha=0.8, beta=0.5, inner=RewardToGo(gamma=0.0)).assign(x).credit, [0.66, 0.32, 0.74])
    assert Spa().biased == "" and Spa(beta=0.5).biased and Spa(inner=RewardToGo(gamma=0.0)).biased


@given(judged(("contribution",)))
def test_spa_against_the_loop_and_its_limits(x):
    shares = x.signals_T["contribution"]
    to_go = [c for s in per_episode(shares, x.starts_E1) for c in loop_reward_to_go(s, 1.0)]
    close(Spa().assign(x).credit, to_go)
    close(Spa(inner=RewardToGo(gamma=0.0)).assign(x).credit, shares)
    paid = replace(x, signals_T={"contribution": x.rewards_T})
    close(Spa().assign(paid).credit, RewardToGo().assign(x).credit)
    other = replace(x, rewards_T=x.rewards_T + 3.0)
    close(Spa().assign(other).credit, Spa().assign(x).credit)  # the outcome is not read when it is used


def test_exact_contributions_point_where_the_return_grows_as_reward_and_not_as_credit():
    def told(x):
        return replace(x, signals_T={"contribution": x.rewards_T})

    as_credit = Spa(inner=RewardToGo(gamma=0.0))
    assert sine(expected_of_pairs(lambda x: Spa().assign(told(x)).credit), TRUE) < 1e-9
    assert sine(expected_of_pairs(lambda x: as_credit.assign(told(x)).credit), TRUE) > 1e-2
