"""The interface of the rules: what a batch must be, what a rule asks of it, whitening."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.core.errors import TurnwiseError
from turnwise.credit import RULES, CreditInput
from turnwise.credit.rule import NEEDS
from turnwise.credit.whiten import whiten

READ_T = sorted({name for rule in RULES.values() for name in getattr(rule, "reads_T", ())})

FULL = CreditInput(
    rewards_T=[0, 1.0, 0.5, 0, 0],
    starts_E1=[0, 2, 3, 5],
    done_E=[True, False, True],
    group_E=[0, 0, 0],
    task_E=[0, 0, 0],
    values_T=[0.1, 0.2, 0.3, 0.4, 0.5],
    bootstrap_E=[0, 0.6, 0],
    token_starts_T1=[0, 2, 3, 6, 6, 8],
    token_mask_N=[1, 1, 1, 0, 1, 1, 1, 1],
    token_values_N=np.linspace(0, 1, 8),
    state_T=[7, 7, 7, 2, 7],
    node_T=[0, 1, 0, 2, 3],
    signals_T={name: np.roll([0.9, 0.2, 0.5, 0.1, 0.8], k) for k, name in enumerate(READ_T)},
    signals_E={name: [0.3, 0.6, 0.4] for rule in RULES.values() for name in getattr(rule, "reads_E", ())},
)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_keeps_the_interface(name):
    rule = RULES[name]()
    found = rule.assign(FULL)
    assert rule.name == name and rule.needs <= NEEDS.keys() and found.unit == rule.unit
    assert len(found.credit) == (5 if rule.unit == "turn" else 8)
    assert np.isfinite(found.credit).all() and found.credit.any()
    assert found.on_tokens(FULL).shape == (8,) and found.on_tokens(FULL)[3] == 0
    assert (found.targets_T is not None) is ("critic" in rule.needs)
    assert (found.token_targets_N is not None) is ("token_critic" in rule.needs)
    with pytest.raises(FrozenInstanceError):
        rule.name = "other"


@pytest.mark.parametrize("name", RULES)
def test_a_missing_need_is_named_with_the_way_to_meet_it(name):
    rule = RULES[name]()
    for need in rule.needs:
        for field in NEEDS[need]:
            lacking = {field: {} if field == "signals_T" else None}
            lacking |= {"token_mask_N": None, "token_values_N": None} if "starts" in field else {}
            with pytest.raises(TurnwiseError) as refused:
                rule.assign(replace(FULL, **lacking))
            asked = {name, getattr(rule, "inner", rule).name}
            assert any(who in refused.value.found for who in asked) and refused.value.next_move


@pytest.mark.parametrize("name", RULES)
def test_rules_read_nothing_that_they_do_not_need(name):
    rule = RULES[name]()
    kept = {field for need in rule.needs for field in NEEDS[need]}
    spare = {f for fields in NEEDS.values() for f in fields} - kept
    if "token_starts_T1" in spare:
        spare |= {"token_mask_N"}
    bare = replace(FULL, task_E=None, **dict.fromkeys(spare))
    np.testing.assert_array_equal(rule.assign(bare).credit, rule.assign(FULL).credit)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if not rule.needs & {"critic", "token_critic"}])
def test_group_and_return_rules_never_bootstrap(name):
    other = replace(FULL, bootstrap_E=[9.0, 9, 9])
    np.testing.assert_array_equal(RULES[name]().assign(other).credit, RULES[name]().assign(FULL).credit)


@pytest.mark.parametrize("name", ["turn-gae", "token-gae", "bilevel-gae"])
def test_critic_rules_tell_a_cut_from_an_ending(name):
    rule = RULES[name]()
    over = rule.assign(replace(FULL, done_E=[True, True, True])).on_tokens(FULL)
    cut = rule.assign(FULL).on_tokens(FULL)
    second = slice(3, 6)  # the tokens of the cut episode
    assert not np.allclose(over[second], cut[second])
    np.testing.assert_array_equal(over[:3], cut[:3])
    np.testing.assert_array_equal(over[6:], cut[6:])
    with pytest.raises(TurnwiseError, match="bootstrap"):
        rule.assign(replace(FULL, bootstrap_E=None))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("starts_E1", [0, 2, 3, 4], "goes from 0 to 4"),
        ("starts_E1", [0, 3, 2, 5], "falls on the way"),
        ("starts_E1", [0.0, 2, 3, 5], "integers"),
        ("done_E", [True], "done_E has 1 entries"),
        ("group_E", [0, 0], "group_E has 2 entries"),
        ("group_E", ["a", "b", "c"], "integer ids"),
        ("state_T", [0.5] * 5, "integer ids"),
        ("node_T", [0, 1], "node_T has 2 entries"),
        ("signals_T", {"good": [0.0]}, "good has 1 entries"),
        ("signals_E", {"good": [0.0, np.inf, 0.0]}, r"good\[1\] is inf"),
        ("values_T", [[0.1] * 5], "one dimension"),
        ("values_T", [0.1] * 4, "5: of 3 episodes, 5 agent turns"),
        ("rewards_T", [0, np.nan, 0, 0, 0], r"rewards_T\[1\] is nan"),
        ("token_values_N", [0.0], "token_values_N has 1 entries"),
        ("token_starts_T1", None, "without token_starts_T1"),
    ],
)
def test_a_batch_that_does_not_fit_together_is_refused(field, value, said):
    with pytest.raises(TurnwiseError, match=said):
        replace(FULL, **{field: value})


@pytest.mark.parametrize("setting", [{"gamma": 1.01}, {"lam": -0.1}, {"whiten": "yes"}])
def test_impossible_settings_are_refused_by_name(setting):
    for name in ("turn-gae", "token-gae", "bilevel-gae"):
        with pytest.raises(TurnwiseError, match=next(iter(setting))):
            RULES[name](**setting)


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 4)), min_size=2, max_size=20),
    st.floats(0.1, 10),
    st.floats(-9, 9),
)
def test_whitening(pairs, scale, shift):
    credit, weights = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float)
    found, counted = whiten(credit, weights), weights > 0
    assert not found[~counted].any()
    if counted.sum() and np.ptp(credit[counted]) > 1e-2:
        written_out = np.repeat(found, weights.astype(int))
        assert written_out.mean() == pytest.approx(0, abs=1e-9) and written_out.std() == pytest.approx(1, abs=1e-4)
        np.testing.assert_allclose(whiten(scale * credit + shift, weights), found, atol=1e-4)
    else:
        assert np.isfinite(found).all()


def test_whitening_a_constant_batch_gives_zeros():
    assert not whiten(np.full(3, 0.1)).any() and not whiten(np.zeros(0)).size
    assert not whiten(np.array([0.1, 0.1, 0.1, -0.3]), np.array([1, 1, 1, 0])).any()


def test_whitening_over_tokens_lets_long_turns_set_the_mean_and_over_turns_does_not():
    x = CreditInput(
        [1.0, 0], [0, 1, 2], [True, True], values_T=[0, 0], token_starts_T1=[0, 9, 10], token_values_N=[0] * 10
    )
    over_turns, over_tokens = (RULES["turn-gae"](whiten=over).assign(x).on_tokens(x) for over in ("turns", "tokens"))
    assert over_turns[[0, 9]] == pytest.approx([1, -1])
    assert over_tokens[[0, 9]] == pytest.approx([1 / 3, -3]) and over_tokens.mean() == pytest.approx(0)


@pytest.mark.parametrize("name", ["token-gae", "bilevel-gae"])
def test_token_rules_whiten_over_sampled_tokens_or_turns_and_leave_targets_alone(name):
    plain, over_tokens, over_turns = (RULES[name](whiten=over).assign(FULL) for over in ("none", "tokens", "turns"))
    mask, turn = FULL.token_mask_N, np.repeat(range(5), np.diff(FULL.token_starts_T1))
    assert over_tokens.credit[mask].mean() == pytest.approx(0) and over_tokens.credit[mask].std() == pytest.approx(1)
    per_turn = [over_turns.credit[(turn == t) & mask].mean() for t in (0, 1, 2, 4)]
    assert np.mean(per_turn) == pytest.approx(0)
    for found in (over_tokens, over_turns):
        np.testing.assert_array_equal(found.token_targets_N, plain.token_targets_N)
        assert not found.credit[~mask].any()


def test_thousands_of_ragged_episodes_are_one_call():
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 40, 5000)
    turns = int(lengths.sum())
    x = CreditInput(
        rng.normal(size=turns), np.concatenate([[0], np.cumsum(lengths)]), rng.random(5000) < 0.5,
        values_T=rng.normal(size=turns), bootstrap_E=rng.normal(size=5000),
    )  # fmt: skip
    whole = RULES["turn-gae"]().assign(x).credit
    e = int(np.argmax(lengths))
    turn = slice(x.starts_E1[e], x.starts_E1[e + 1])
    alone = CreditInput(
        x.rewards_T[turn], [0, lengths[e]], x.done_E[[e]], values_T=x.values_T[turn], bootstrap_E=x.bootstrap_E[[e]]
    )
    np.testing.assert_array_equal(RULES["turn-gae"]().assign(alone).credit, whole[turn])
