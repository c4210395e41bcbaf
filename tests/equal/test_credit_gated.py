"""Gated accumulation and Video-MTR: worked numbers, plain loops and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_credit_bias import PATHS, STOP, TRUE, chance, expected_of_pairs, sine

from credit_cases import close, judged, per_episode
from turnwise.core.errors import TurnwiseError
from turnwise.credit import CreditInput
from turnwise.credit.bilevel_gae import BilevelGae
from turnwise.credit.gated import Gated, gated_steps, gates
from turnwise.credit.reward_to_go import RewardToGo, reward_to_go
from turnwise.credit.rloo import Rloo
from turnwise.credit.video_mtr import VideoMtr, best_before, relevance, retrieving_share

OUTCOMES = np.array([-1, -0.5, 0.0, 1.0])


SIX = np.arange(5) * 6


def totals(added):
    return OUTCOMES + np.add.reduceat(added, SIX[:-1])


def test_worked_gates():
    steps = [np.full(24, 0.1)]
    close(totals(gated_steps(OUTCOMES, steps, SIX, (0.0,))), [-1, -0.5, 0.6, 1.6])
    close(totals(gated_steps(OUTCOMES, steps, SIX, (-np.inf,))), [-0.4, 0.1, 0.6, 1.6])
    close(totals(gated_steps(OUTCOMES, steps, SIX, (np.inf,))), OUTCOMES)
    close(totals(gated_steps(OUTCOMES, steps, SIX, (0.0,), strict=True)), [-1, -0.5, 0, 1.6])
    close(totals(gated_steps(OUTCOMES, steps, SIX, (0.0,), cap=0.5)), [-1, -0.5, 0.5, 1.5])
    assert not gated_steps(OUTCOMES, steps, SIX, (0.0,))[:12].any()


def test_worked_levels_of_the_monitors_sheet():
    levels = np.array([[1, 0.6, 0.8], [1, 0.4, 0.8], [0, 0.9, 0.8]])
    open_ = gates(levels, (0.0, 0.5), strict=True)
    close(np.where(open_, levels, 0), [[1, 0.6, 0.8], [1, 0.4, 0], [0, 0, 0]])
    close(np.where(open_, levels, 0).sum(1), [2.4, 1.4, 0])
    assert gates(levels, (-np.inf, -np.inf), strict=True).all()
    richer = levels + [[0, 0, 0], [0, 0, 0], [0, 5, 5]]
    assert np.where(gates(richer, (0.0, 0.5), strict=True), richer, 0).sum(1)[2] == 0
    with pytest.raises(TurnwiseError, match="1 thresholds for 3 levels"):
        gates(levels, (0.0,))


@given(
    judged(("step", "tidy")),
    st.sampled_from([-np.inf, 0.0, 0.3, np.inf]),
    st.sampled_from([-np.inf, 0.5, np.inf]),
    st.booleans(),
    st.sampled_from([0.5, np.inf]),
)
def test_gated_against_the_loop(x, first, second, strict, cap):
    expected = []
    for r, a, b in zip(
        *(per_episode(v, x.starts_E1) for v in (x.rewards_T, x.signals_T["step"], x.signals_T["tidy"])), strict=True
    ):
        outcome = sum(r)
        passed = outcome > first if strict else outcome >= first
        also = passed and (sum(a) > second if strict else sum(a) >= second)
        added = [(s if passed else 0.0) + (t if also else 0.0) for s, t in zip(a, b, strict=True)]
        scale = cap / sum(added) if sum(added) > cap else 1.0
        expected += [w + scale * g for w, g in zip(r, added, strict=True)]
    rule = Gated(("step", "tidy"), (first, second), strict, cap, inner=RewardToGo(gamma=0.0))
    close(rule.assign(x).credit, expected)


@given(judged(("step",), pairs=True))
def test_a_closed_gate_is_the_outcome_alone_and_an_open_one_the_sum(x):
    np.testing.assert_array_equal(Gated(thresholds=(np.inf,)).assign(x).credit, Rloo().assign(x).credit)
    plain = replace(x, rewards_T=x.rewards_T + x.signals_T["step"])
    np.testing.assert_array_equal(Gated(thresholds=(-np.inf,)).assign(x).credit, Rloo().assign(plain).credit)


@given(st.floats(-2, 2), st.floats(-2, 2), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_a_failed_episode_never_outscores_one_that_passed_with_the_same_steps(low, high, steps):
    failed, passed = min(low, high), max(low, high)
    if failed == passed:
        return
    cuts = np.array([0, len(steps), 2 * len(steps)])
    added = gated_steps(np.array([failed, passed]), [np.array(steps * 2)], cuts, (passed,))
    assert not added[: len(steps)].any()
    assert failed < passed + added[len(steps) :].sum()


def test_the_gate_reads_an_episodes_own_outcome_alone():
    x = CreditInput([0, 1.0, 0, 0], [0, 2, 4], [True] * 2, group_E=[0, 0], signals_T={"step": [0.1, 0.1, 0.3, 0.3]})
    rule = Gated(thresholds=(1.0,), inner=RewardToGo(gamma=0.0))
    alone = [rule.assign(CreditInput(r, [0, 2], [True], signals_T={"step": s})).credit
             for r, s in (([0, 1.0], [0.1, 0.1]), ([0, 0], [0.3, 0.3]))]  # fmt: skip
    close(rule.assign(x).credit, np.concatenate(alone))


def test_gating_makes_a_bad_step_critic_survivable():
    """Steps are paid for going on, whatever it earns: ungated far off the true direction, gated close to it."""

    def told(x):
        return replace(x, signals_T={"step": np.where(np.isin(x.rewards_T, STOP), 0.0, 2.0)})

    angle = {
        at: sine(expected_of_pairs(lambda x, at=at: Gated(thresholds=(at,)).assign(told(x)).credit), TRUE)
        for at in (-np.inf, 1.2, np.inf)
    }
    assert angle[np.inf] < 1e-9 and 1e-3 < angle[1.2] < angle[-np.inf]
    assert sum(map(chance, PATHS)) == pytest.approx(1)


# --- Video-MTR --------------------------------------------------------------------------------------------------------


def film(right, form=(1, 1, 1, 1), iou=(0.2, 0.5, 0.4, 0.0)):
    turns = len(iou)
    return CreditInput(
        [0.0] * (turns - 1) + [float(right)],
        [0, turns],
        [True],
        signals_T={"iou": iou, "form": form},
        signals_E={"iou": [0.0]},
    )


AS_IT_IS = RewardToGo(gamma=0.0)


def test_worked_evidence():
    x = film(True)
    close(relevance(x.signals_T["iou"], [0.0], x.starts_E1), [0.5, 0.5, -0.05, 0])
    rule = VideoMtr(inner=AS_IT_IS)
    close(rule.assign(x).credit, [0.6, 0.6, 0.05, 1.1])
    assert rule.shaped(x).sum() == pytest.approx(2.35)
    close(rule.assign(film(False)).credit, [0, 0, 0, 0.1])
    assert VideoMtr(threshold=-np.inf).shaped(film(False)).sum() == pytest.approx(0.95 + 0.3 + 0.1)
    close(VideoMtr(better=0, worse=0, inner=AS_IT_IS).assign(x).credit, [0.1, 0.1, 0.1, 1.1])
    at_once = film(True, (1,), (0.0,))
    close(rule.assign(at_once).credit, [1.1])


def test_the_same_selection_is_not_paid_twice():
    x = film(True, (0, 0, 0, 0), (0.3, 0.3, 0.3, 0))
    close(VideoMtr(inner=AS_IT_IS).assign(x).credit, [0.5, 0, 0, 1])


@given(judged(("iou", "form")), st.sampled_from([0.0, -np.inf]))
def test_video_mtr_against_the_loop(x, threshold):
    expected = []
    pieces = (per_episode(v, x.starts_E1) for v in (x.rewards_T, x.signals_T["iou"], x.signals_T["form"]))
    for r, iou, ok, best in zip(*pieces, x.signals_E["iou"], strict=True):
        passed = sum(r) > threshold
        for k in range(len(r)):
            reward = r[k]
            if k == len(r) - 1:
                reward += 0.1 * ok[k]
            elif passed:
                reward += (0.5 if iou[k] > best else -0.5 * (best - iou[k])) + 0.1 * ok[k]
            best = max(best, iou[k])
            expected.append(reward)
    close(VideoMtr(threshold=threshold, inner=AS_IT_IS).assign(x).credit, expected)
    seen = relevance(x.signals_T["iou"], x.signals_E["iou"], x.starts_E1)
    assert all(piece.sum() <= 0.5 * len(piece) for piece in per_episode(seen, x.starts_E1))


@given(judged(("iou",)))
def test_the_best_so_far_against_the_loop(x):
    expected = []
    for piece, best in zip(per_episode(x.signals_T["iou"], x.starts_E1), x.signals_E["iou"], strict=True):
        for value in piece:
            expected.append(best)
            best = max(best, value)
    np.testing.assert_array_equal(best_before(x.signals_T["iou"], x.signals_E["iou"], x.starts_E1), expected)


def test_retrieving_itself_is_paid_only_while_it_is_rare_and_without_a_gate():
    x = CreditInput(
        [0.0, 0, 0, 0], [0, 2, 3, 4], [True] * 3, signals_T={"iou": [0.0] * 4, "form": [0] * 4},
        signals_E={"iou": [0.0] * 3},
    )  # fmt: skip
    assert retrieving_share(x.starts_E1) == pytest.approx(1 / 3)
    close(VideoMtr(warm_below=0.5, inner=AS_IT_IS).assign(x).credit, [0.1, 0, 0, 0])
    assert not VideoMtr(warm_below=0.2, inner=AS_IT_IS).assign(x).credit.any()


@given(judged(("iou", "form"), least_turns=1))
def test_credit_is_bilevel_gae_of_the_shaped_rewards_with_its_discount_across_turns(x):
    turns = len(x.rewards_T)
    rng = np.random.default_rng(turns)
    x = replace(
        x, values_T=rng.normal(size=turns), bootstrap_E=rng.normal(size=len(x.done_E)),
        token_starts_T1=np.arange(turns + 1) * 2, token_values_N=rng.normal(size=2 * turns),
    )  # fmt: skip
    found = VideoMtr().assign(x)
    expected = BilevelGae(gamma=0.95, gamma_token=1.0).assign(replace(x, rewards_T=VideoMtr().shaped(x)))
    np.testing.assert_array_equal(found.credit, expected.credit)
    silent = replace(
        x, values_T=np.zeros(turns), bootstrap_E=np.zeros(len(x.done_E)), token_values_N=np.zeros(2 * turns)
    )
    ahead = VideoMtr(inner=BilevelGae(lam=1.0)).assign(silent).credit[1::2]  # the last token of each turn
    close(ahead, reward_to_go(VideoMtr().shaped(x), x.starts_E1, 0.95))
