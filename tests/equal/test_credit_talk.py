"""Sotopia, influence, DIR, look-think-act: worked numbers, plain loops and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_cases import close, judged, one, per_episode
from turnwise.core.errors import TurnwiseError
from turnwise.credit import RULES, CreditInput
from turnwise.credit.blink import Blink, mix
from turnwise.credit.dir import Dir, improvement
from turnwise.credit.dr_grpo import DrGrpo
from turnwise.credit.grpo import Grpo, grpo
from turnwise.credit.influence import (
    Influence,
    first_survey_reward,
    listening_loss,
    pooled_belief,
    speaking_reward,
)
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.sotopia import Sotopia, attributed, bounds_of, combined
from turnwise.credit.turn_gae import TurnGae

AS_IT_IS = RewardToGo(gamma=0.0)


# --- Sotopia ----------------------------------------------------------------------------------------------------------


def test_worked_attribution():
    shares, cuts = np.array([3, 1, 0.0]), np.array([0, 3])
    value = attributed(shares, np.array([8.0]), cuts)
    close(value, [8, 8 / 3, 0])
    close(combined([value], [0], [10]), [8, 8 / 3, 0])
    close(attributed(shares, np.array([8.0]), cuts, "normalised"), [6, 2, 0])
    close(attributed(shares, np.array([8.0]), cuts, "uniform"), [8, 8, 8])
    close(attributed(shares, np.array([8.0]), cuts, "discount"), [6.48, 7.2, 8])
    close(attributed(shares, np.array([8.0]), cuts, "key"), [8, 0, 0])
    close(attributed(np.array([2, 6, 5.0]), np.array([8.0]), cuts, "progress"), [1.6, 3.2, -0.8])
    close(attributed(np.array([-1, 3.0]), np.array([8.0]), np.array([0, 2])), [-1, 8])
    close(attributed(np.array([5.0, 10]), np.array([8.0]), np.array([0, 2]), scale=10), [4, 8])


@given(judged(("share",)), st.sampled_from(["direct", "normalised", "uniform", "discount", "key", "progress"]))
def test_attribution_against_the_loop(x, form):
    expected = []
    for shares, score in zip(per_episode(x.signals_T["share"], x.starts_E1), x.signals_E["share"], strict=True):
        n = len(shares)
        for t, a in enumerate(shares):
            before = shares[t - 1] if t else 0.0
            expected.append(
                {
                    "direct": a / 3 * score,
                    "normalised": score * a / sum(shares) if sum(shares) else 0.0,
                    "uniform": score,
                    "discount": score * 0.9 ** (n - 1 - t),
                    "key": score if t == int(np.argmax(shares)) else 0.0,
                    "progress": (a - before) / 10 * score,
                }[form]
            )
    close(attributed(x.signals_T["share"], x.signals_E["share"], x.starts_E1, form), expected)


def test_dimensions_are_averaged_with_bounds_that_were_taken_once():
    rng = np.random.default_rng(0)
    annotated = [rng.uniform(0, 10, 50), rng.uniform(-5, 5, 50)]
    lows, highs = bounds_of(annotated)
    found = combined(annotated, lows, highs)
    assert found.min() >= 0 and found.max() <= 10
    for values, low, high in zip(annotated, lows, highs, strict=True):
        assert combined([values], [low], [high]).min() == 0 and combined([values], [low], [high]).max() == 10
    close(combined([v[:3] for v in annotated], lows, highs), found[:3])  # applied unchanged to fewer
    x = CreditInput(
        [0, 0], [0, 2], [True], signals_T={"goal": [3, 0], "relationship": [3, 0]},
        signals_E={"goal": [8], "relationship": [-5]},
    )  # fmt: skip
    two = Sotopia(("goal", "relationship"), (0.0, -5.0), (10.0, 5.0)).assign(x).credit
    close(two, [10 * (0.8 + 0.0) / 2, 10 * (0.0 + 0.5) / 2])
    alone = Sotopia(("relationship",), (-5.0,), (5.0,)).assign(x).credit
    close(alone, [0, 5])  # a bad relation, brought about by the first: the low end
    with pytest.raises(TurnwiseError, match="one low and one high"):
        Sotopia(("goal",))


@given(judged(("goal",), least_turns=1))
def test_full_shares_of_one_dimension_are_the_score_broadcast(x):
    full = replace(x, signals_T={"goal": np.full(len(x.rewards_T), 3.0)})
    rule = Sotopia(("goal",), (0.0,), (10.0,))
    close(rule.assign(full).credit, np.repeat(x.signals_E["goal"], np.diff(x.starts_E1)))
    none = replace(x, signals_T={"goal": np.zeros(len(x.rewards_T))})
    assert not rule.assign(none).credit.any()


# --- influence --------------------------------------------------------------------------------------------------------


def test_worked_influence():
    crew = np.ones((2, 3), bool)
    before, after = pooled_belief(np.array([[0.25, 0.25, 0.25], [0.5, 0.25, 0.75]]), crew)
    close(speaking_reward(before, after, np.array(1.0)), 0.75)
    close(speaking_reward(before, after, np.array(-1.0)), -0.75)
    close(first_survey_reward(np.array([0.75]), np.array([1, -1])), [-0.25, 0.25])
    dead = np.array([[True, True, False]] * 2)
    close(pooled_belief(np.array([[0.25, 0.25, 0.9], [0.5, 0.25, 0.1]]), dead), [0.5, 0.75])


@given(st.integers(0, 10**6), st.integers(2, 9))
def test_influences_of_a_discussion_sum_to_what_beliefs_changed(seed, messages):
    beliefs = np.random.default_rng(seed).integers(0, 9, (messages + 1, 4)) / 8
    pooled = pooled_belief(beliefs, np.ones((messages + 1, 4), bool))
    paid = speaking_reward(pooled[:-1], pooled[1:], np.ones(messages))
    assert paid.sum() == pooled[-1] - pooled[0]
    np.testing.assert_array_equal(speaking_reward(pooled[:-1], pooled[1:], -np.ones(messages)), -paid)
    assert not speaking_reward(pooled, pooled, np.ones(messages + 1)).any()  # nobody could read it


def test_listening_loss_is_the_cross_entropy_of_the_truth():
    close(listening_loss([1.0, 0.5, 0.25]), [0, np.log(2), np.log(4)])
    close(listening_loss([0.5], focal=2.0), [0.25 * np.log(2)])
    with pytest.raises(TurnwiseError, match="a belief of 0.0"):
        listening_loss([0.5, 0.0])


@given(judged(("belief-before", "belief-after", "side", "work"), least_turns=1))
def test_influence_against_the_loop_and_its_limit(x):
    side = np.where(x.signals_E["side"] > 0.5, 1.0, -1.0)
    x = replace(x, signals_E={"side": side})
    expected = []
    names = ("belief-before", "belief-after", "work")
    pieces = (per_episode(v, x.starts_E1) for v in (x.rewards_T, *(x.signals_T[n] for n in names)))
    for r, before, after, work, s in zip(*pieces, side, strict=True):
        expected += [r[t] + 0.2 * work[t] + s * (after[t] - before[t]) for t in range(len(r))]
    close(Influence(tasks="work", inner=AS_IT_IS).assign(x).credit, expected)
    np.testing.assert_array_equal(Influence(speaking=0.0, inner=AS_IT_IS).assign(x).credit, x.rewards_T)
    assert Influence().inner == TurnGae(gamma=0.99, lam=0.95) and Influence(speaking=0.0).biased == ""


# --- dynamic improvement ----------------------------------------------------------------------------------------------


def advised(before, after, right=1, parses=1):
    return one([0.0], {"score": [after], "label": [right], "form": [parses]}, {"score": before})


def test_worked_improvement():
    plain = Dir(improvement=1.0, form=0.0)
    assert plain.assign(advised(0, 1)).credit == [1]
    assert plain.assign(advised(1, 0)).credit == [-1]
    assert plain.assign(advised(1, 1)).credit == [0]  # nothing flagged, nothing revised
    assert Dir(improvement=1.0, label=0.5, form=0.0).assign(advised(1, 1)).credit == [0.5]
    assert plain.assign(advised(0, 1, right=0)).credit == [0]
    assert Dir(improvement=1.0, form=0.0, conditional=False).assign(advised(0, 1, right=0)).credit == [1]
    assert Dir().assign(advised(0, 1)).credit == pytest.approx([0.75])


@given(judged(("score", "label", "form"), least_turns=1))
def test_dir_against_the_loop_and_its_sum(x):
    score, first = np.round(x.signals_T["score"]), np.round(x.signals_E["score"])
    x = replace(x, signals_T=dict(x.signals_T) | {"score": score}, signals_E={"score": first})
    gained = improvement(score, first, x.starts_E1)
    ends = score[x.starts_E1[1:] - 1]
    np.testing.assert_array_equal([p.sum() for p in per_episode(gained, x.starts_E1)], ends - first)
    expected = []
    pieces = (per_episode(v, x.starts_E1) for v in (score, x.signals_T["label"], x.signals_T["form"]))
    for after, right, parses, level in zip(*pieces, first, strict=True):
        for t in range(len(after)):
            expected.append(0.65 * ((after[t] - level) if right[t] > 0.5 else 0.0) + 0.3 * right[t] + 0.1 * parses[t])
            level = after[t]
    close(Dir(label=0.3, inner=AS_IT_IS).assign(x).credit, expected)
    alone = Dir(improvement=1.0, form=0.0, conditional=False)
    close(alone.assign(x).credit[x.starts_E1[:-1]], ends - first)


@given(judged(("score", "label", "form"), least_turns=1))
def test_a_partner_that_ignores_advice_pays_nothing_for_it(x):
    """Its answers keep their score, whatever was said."""
    deaf = replace(x, signals_T=dict(x.signals_T) | {"score": np.repeat(x.signals_E["score"], np.diff(x.starts_E1))})
    assert not Dir(form=0.0).assign(deaf).credit.any()
    np.testing.assert_array_equal(
        Dir(form=0.0).shaped(deaf), Dir(form=0.0).shaped(replace(deaf, rewards_T=-x.rewards_T))
    )


# --- look, think, act -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "look", "act", "said", "released"), [(1, 1, 1, 1.0, 0.9), (1, 0, 1, 0.7, 0.6), (1, 1, 0, 0.4, 0.3)]
)
def test_worked_mix(form, look, act, said, released):
    x = one([0.0], {"form": [form], "look": [look], "act": [act]})
    assert Blink(inner=AS_IT_IS).assign(x).credit == pytest.approx([said])
    assert Blink(weights=(0.0, 0.3, 0.6), inner=AS_IT_IS).assign(x).credit == pytest.approx([released])


@given(judged(("form", "look", "act"), least_turns=1, pairs=True))
def test_parts_sum_to_the_whole_and_each_can_be_had_alone(x):
    shares = [Blink(weights=tuple(w * (k == m) for m, w in enumerate((0.1, 0.3, 0.6)))) for k in range(3)]
    close(sum(rule.shaped(x) for rule in shares), Blink().shaped(x))
    close(Blink().shaped(x), [0.1 * f + 0.3 * b + 0.6 * a for f, b, a in zip(*x.signals_T.values(), strict=True)])
    centred = [replace(rule, inner=DrGrpo()).assign(x).credit for rule in shares]
    close(sum(centred), Blink(inner=DrGrpo()).assign(x).credit)
    acts = replace(x, rewards_T=x.signals_T["act"])
    np.testing.assert_array_equal(Blink(weights=(0.0, 0.0, 1.0)).assign(x).credit, Grpo().assign(acts).credit)


def test_eight_replies_of_a_row_are_compared_and_cheap_terms_decide_once_acts_are_equal():
    acts, looks = np.ones(8), np.array([1, 0, 0, 0, 0, 0, 0, 0.0])
    x = CreditInput(
        np.zeros(8), np.arange(9), np.ones(8, bool), group_E=np.zeros(8, int),
        signals_T={"form": acts, "look": looks, "act": acts},
    )  # fmt: skip
    close(Blink().assign(x).credit, grpo(mix([acts, looks, acts], (0.1, 0.3, 0.6)), np.zeros(8, int)))
    assert Blink().assign(x).credit[0] > 2


def test_worked_z_scores_of_one_success_in_four():
    """specs/learn/webagent_r1: its epsilon is 1e-4."""
    rewards, group = np.array([1.0, 0, 0, 0]), np.zeros(4, int)
    close(grpo(rewards, group, ddof=0, eps=1e-4), [1.7317, -0.5772, -0.5772, -0.5772], 5e-5)
    close(grpo(rewards, group, ddof=1, eps=1e-4), [1.4997, -0.4999, -0.4999, -0.4999], 5e-5)
    assert not grpo(np.ones(4), group, eps=1e-4).any()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("gated", {"thresholds": (0.0, 1.0)}), ("blink", {"weights": (1.0,)}), ("barfi", {"weights": (0.0, 1.0)})],
)
def test_settings_that_do_not_fit_their_signals_are_refused(kind, settings):
    with pytest.raises(TurnwiseError, match=f"{next(iter(settings))} = "):
        RULES[kind](**settings)
