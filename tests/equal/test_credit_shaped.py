"""Clip-and-Delta, CALM, Sotopia, influence, DIR, look-think-act: worked numbers, plain loops and limits."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_cases import judged, per_episode
from turnwise.core.errors import TurnwiseError
from turnwise.credit import JUDGED, RULES, CreditInput
from turnwise.credit.blink import Blink, mix
from turnwise.credit.calm import Calm, first_times, potential_reward, subgoal_reward
from turnwise.credit.clip_delta import ClipDelta, clip, delta
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
from turnwise.credit.rloo import Rloo
from turnwise.credit.sotopia import Sotopia, attributed, bounds_of, combined
from turnwise.credit.token_gae import TokenGae
from turnwise.credit.turn_gae import TurnGae

AS_IT_IS = RewardToGo(gamma=0.0)
JUDGED_AND_SHAPED = [rule.name for rule in JUDGED if "inner" in rule.__dataclass_fields__]


def close(found, expected, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), atol=tolerance)


def one(rewards, turns=None, episode=None):
    """An episode of its own."""
    return CreditInput(
        rewards, [0, len(rewards)], [True], group_E=[0], signals_T=turns or {},
        signals_E={name: [v] for name, v in (episode or {}).items()},
    )  # fmt: skip


@pytest.mark.parametrize("name", JUDGED_AND_SHAPED)
def test_needs_unit_and_bias_of_a_class_are_those_of_its_default_settings(name):
    kind = RULES[name]
    rule = kind()
    assert (rule.needs, rule.unit, rule.biased) == (kind.needs, kind.unit, kind.biased)
    other = kind(inner=TokenGae())
    assert other.needs == {"signals", "token_critic"} and other.unit == "token"
    assert kind(inner=Grpo()).biased  # the inner rule's reason, where the rewards give none


# --- Clip and Delta ---------------------------------------------------------------------------------------------------

STEPS = np.array([0.9, 0.3, 0.8, 0.5])
FOUR = np.array([0, 4])


def test_worked_clip_and_delta():
    close(clip(STEPS, FOUR, 0.5), [0, -0.2, 0, 0])
    close(delta(STEPS, FOUR), [0.6, -0.5, 0.8, 0])
    assert delta(STEPS, FOUR).sum() == pytest.approx(0.9)
    both = ClipDelta("process", "both", alpha=1.0, inner=RewardToGo()).assign(one([0, 0, 0, 1.0], {"process": STEPS}))
    close(both.credit, [1, 0.8, 1, 1])  # alpha * clipped p_k + success
    close(delta(clip(STEPS, FOUR), FOUR), [0.2, -0.2, 0, 0])


@given(judged(("process",)), st.sampled_from(["raw", "clip", "delta", "both"]), st.sampled_from([0.3, 0.5]))
def test_clip_and_delta_against_the_loop(x, form, eta):
    expected = []
    for r, p in zip(
        per_episode(x.rewards_T, x.starts_E1), per_episode(x.signals_T["process"], x.starts_E1), strict=True
    ):
        q = [min(v - eta, 0) for v in p] if form in ("clip", "both") else list(p)
        last = len(q) - 1
        for k in range(len(q)):
            if k == last:
                s = 0.0
            elif form in ("delta", "both"):
                s = q[k] - q[k + 1] if k < last - 1 else q[k]
            else:
                s = q[k]
            expected.append(r[k] + 0.1 * s)
    rule = ClipDelta(form=form, eta=eta)
    close(rule.shaped(x), expected)


@given(judged(("process",), least_turns=1))
def test_delta_sums_to_the_first_score_and_each_step_is_judged_by_its_own(x):
    scores = np.round(x.signals_T["process"] * 8) / 8
    first = [piece[0] if len(piece) > 1 else 0.0 for piece in per_episode(scores, x.starts_E1)]
    sums = [piece.sum() for piece in per_episode(delta(scores, x.starts_E1), x.starts_E1)]
    np.testing.assert_array_equal(sums, first)
    ahead = ClipDelta(form="delta", alpha=0.5).assign(replace(x, signals_T={"process": scores})).credit
    last = np.zeros(len(scores), bool)
    last[x.starts_E1[1:] - 1] = True
    close(ahead, RewardToGo().assign(x).credit + 0.5 * np.where(last, 0, scores))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.integers(0, 4), st.integers(1, 5))
def test_saying_a_step_again_earns_nothing_bounded_and_more_and_more_raw(scores, at, times):
    at = at % (len(scores) - 1)
    longer = np.array(scores[: at + 1] + [scores[at]] * times + scores[at + 1 :])
    scores = np.array(scores)
    cuts, more = np.array([0, len(scores)]), np.array([0, len(longer)])
    assert delta(longer, more).sum() == pytest.approx(delta(scores, cuts).sum())
    assert abs(delta(longer, more).sum()) <= np.abs(longer).max() + 1e-12
    lost = clip(longer, more, 0.5).sum() - clip(scores, cuts, 0.5).sum()
    assert lost == pytest.approx(times * min(scores[at] - 0.5, 0)) and clip(longer, more, 0.5).sum() <= 0
    raw = ClipDelta(form="raw", alpha=1.0)
    gained = raw.shaped(one(np.zeros(len(longer)), {"process": longer})).sum()
    gained -= raw.shaped(one(np.zeros(len(scores)), {"process": scores})).sum()
    assert gained == pytest.approx(times * scores[at])  # the hack


@given(judged(("process",), least_turns=1))
def test_limits_of_clip_and_delta(x):
    for form in ("raw", "clip", "delta", "both"):
        np.testing.assert_array_equal(ClipDelta(form=form, alpha=0.0).assign(x).credit, RewardToGo().assign(x).credit)
    flat = np.full(len(x.rewards_T), 0.75)
    for piece in per_episode(delta(flat, x.starts_E1), x.starts_E1):
        close(piece, [0.75 * (k == len(piece) - 2) for k in range(len(piece))])


def test_delta_with_a_discount_is_refused_and_clip_is_not():
    with pytest.raises(TurnwiseError, match="do not telescope"):
        ClipDelta(form="delta", inner=RewardToGo(gamma=0.9))
    ClipDelta(form="clip", inner=RewardToGo(gamma=0.9))
    with pytest.raises(TurnwiseError, match="form = 'clips'"):
        ClipDelta(form="clips")


# --- CALM -------------------------------------------------------------------------------------------------------------


def test_a_perfect_judge_pays_a_successful_episode_one():
    cuts, key, door = np.array([0, 5]), np.array([0, 1, 0, 1, 0]), np.array([0, 0, 0, 0, 1])
    close(subgoal_reward([key, door], cuts), [0, 0.5, 0, 0, 0.5])
    close(subgoal_reward([key, door], cuts, once=False), [0, 0.5, 0, 0.5, 0.5])
    close(potential_reward([key, door], cuts, np.array([False])), [0, 0.5, 0, 0, 0.5])
    close(potential_reward([key, door], cuts, np.array([True])), [0, 0.5, 0, 0, -0.5])
    close(potential_reward([key, door], cuts, np.array([False]), 0.9), [0, 0.45, -0.05, -0.05, 0.9 - 0.5])


@given(judged(("key", "door")), st.sampled_from([0.9, 1.0]), st.booleans())
def test_calm_against_the_loop(x, gamma, keep_end):
    plain, potential, over = [], [], []
    pieces = zip(*(per_episode(x.signals_T[name] > 0.5, x.starts_E1) for name in ("key", "door")), strict=True)
    for key, door in pieces:
        held, level = [False, False], 0.0
        for t, said in enumerate(zip(key, door, strict=True)):
            new = sum(z and not h for z, h in zip(said, held, strict=True))
            held = [h or z for h, z in zip(held, said, strict=True)]
            after = sum(held) / 2
            plain.append(new / 2)
            ends = t == len(key) - 1 and not keep_end
            potential.append(gamma * (0.0 if ends else after) - level)
            level = after
        over.append(not keep_end)
    reached = [x.signals_T["key"], x.signals_T["door"]]
    close(subgoal_reward(reached, x.starts_E1), plain)
    close(potential_reward(reached, x.starts_E1, np.array(over), gamma), potential)
    rule = Calm(("key", "door"), "potential", keep_end=keep_end, weight=0.5, inner=RewardToGo(gamma=gamma))
    close(rule.shaped(x), x.rewards_T + 0.5 * np.array(potential))
    assert all(piece.sum() <= 1 + 1e-12 for piece in per_episode(np.array(plain), x.starts_E1))


def test_picking_up_again_and_again_earns_without_end_unless_it_counts_once():
    for loops in (1, 5, 50):
        pick = np.tile([1, 0], loops)
        cuts = np.array([0, 2 * loops])
        assert subgoal_reward([pick], cuts, once=False).sum() == loops
        assert subgoal_reward([pick], cuts).sum() == 1
        assert potential_reward([pick], cuts, np.array([True])).sum() == 0
        np.testing.assert_array_equal(np.flatnonzero(first_times(pick, cuts)), [0])


def test_a_judge_with_false_alarms_pays_what_they_cost():
    """A do-nothing policy, m = 4 subgoals of weight 1/4, alarm rate .1: .1 per turn."""
    rng = np.random.default_rng(0)
    alarms = [(rng.random(20000) < 0.1).astype(float) for _ in range(4)]
    paid = subgoal_reward(alarms, np.arange(2001) * 10, once=False)
    assert paid.mean() == pytest.approx(0.1 * 4 * 0.25, abs=4 * np.sqrt(0.09 / 80000))


def best_of(totals):
    return set(np.flatnonzero(totals > totals.max() - 1e-9))


@pytest.mark.parametrize("adversary", [False, True])
def test_the_potential_form_leaves_the_best_plans_and_the_plain_one_need_not(adversary):
    """All plans of a corridor: act 0 at turn 1 takes the key, act 0 at turn 3 opens with it. The adversary says that
    the key is taken when it is left, so both forms are put to the test; only totals decide what is best."""
    plans = np.array(list(product((0, 1), repeat=4)))
    rewards = np.zeros(plans.shape)
    rewards[:, 3] = (plans[:, 1] == 0) & (plans[:, 3] == 0)
    said = np.zeros(plans.shape)
    said[:, 1] = plans[:, 1] == (1 if adversary else 0)
    x = CreditInput(
        rewards.ravel(),
        np.arange(17) * 4,
        np.ones(16, bool),
        signals_T={"key": said.ravel()},
        group_E=np.zeros(16, int),
    )

    def totals(rule):
        return rule.shaped(x).reshape(16, 4).sum(1)

    best = best_of(rewards.sum(1))
    settings = {"subgoals": ("key",), "weight": 2.0}
    assert best_of(totals(Calm(form="potential", **settings))) == best
    assert (best_of(totals(Calm(form="plain", **settings))) == best) is not adversary
    assert (best_of(totals(Calm(form="potential", keep_end=True, **settings))) == best) is not adversary
    compared = Calm(form="potential", inner=Rloo(), **settings)
    close(compared.assign(x).credit, Rloo().assign(x).credit)  # totals are what they were
    assert Calm(form="potential").biased == "" and Calm().biased and Calm(form="potential", keep_end=True).biased


@given(judged(("subgoal",), least_turns=1))
def test_limits_of_calm(x):
    np.testing.assert_array_equal(Calm(weight=0.0).assign(x).credit, RewardToGo().assign(x).credit)
    # the potential is a baseline that knows the past alone: return-to-go minus it
    ahead = Calm(form="potential", weight=1.0).assign(x).credit - RewardToGo().assign(x).credit
    new = subgoal_reward([x.signals_T["subgoal"]], x.starts_E1)
    before = [piece.cumsum() - piece for piece in per_episode(new, x.starts_E1)]
    close(ahead, -np.concatenate(before))


def test_where_a_critic_goes_on_the_potential_stays_at_a_cut():
    cut = CreditInput(
        [0.0, 0.0], [0, 2], [False], signals_T={"subgoal": [1, 0]}, values_T=[0, 0], bootstrap_E=[0],
        token_starts_T1=[0, 1, 2], token_values_N=[0, 0],
    )  # fmt: skip
    close(Calm(form="potential", weight=1.0, inner=TurnGae(1.0, 1.0)).shaped(cut), [1, 0])
    close(Calm(form="potential", weight=1.0).shaped(cut), [1, -1])
    with pytest.raises(TurnwiseError, match="per token"):
        Calm(form="potential", inner=TokenGae(gamma=0.99))


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
