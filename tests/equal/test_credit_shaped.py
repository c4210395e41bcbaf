"""Clip-and-Delta and CALM: worked numbers, plain loops and limits."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_cases import close, judged, one, per_episode
from turnwise.core.errors import TurnwiseError
from turnwise.credit import JUDGED, RULES, CreditInput
from turnwise.credit.calm import Calm, first_times, potential_reward, subgoal_reward
from turnwise.credit.clip_delta import ClipDelta, clip, delta
from turnwise.credit.grpo import Grpo
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rloo import Rloo
from turnwise.credit.token_gae import TokenGae
from turnwise.credit.turn_gae import TurnGae

JUDGED_AND_SHAPED = [rule.name for rule in JUDGED if "inner" in rule.__dataclass_fields__]


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
