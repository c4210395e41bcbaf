"""What every credit rule promises on any batch; the interface itself is tested in equal/test_credit_rules.py."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_cases import batches
from turnwise.core.pairing import NEXT_MOVES
from turnwise.credit import RULES, CreditInput
from turnwise.credit.rule import NEEDS

every_rule = pytest.mark.parametrize("name", RULES)


@st.composite
def inputs(draw):
    """Ragged episodes in groups of two, tokens of any number per turn, some of them not sampled."""
    batch = draw(batches())
    pair = draw(st.booleans())
    if not pair or len(batch["done_E"]) % 2:
        batch = {name: np.concatenate([part, tail(name, part)]) for name, part in batch.items()}
    episodes, turns = len(batch["done_E"]), len(batch["rewards_T"])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = rng.integers(0, 4, size=turns)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return CreditInput(
        **batch,
        group_E=np.arange(episodes) // 2 if episodes % 2 == 0 else np.zeros(episodes, int),
        token_starts_T1=starts,
        token_mask_N=rng.random(starts[-1]) < 0.8,
        token_values_N=rng.normal(size=starts[-1]),
    )


def tail(name, part):
    """The batch a second time behind itself."""
    return part[-1] + part[1:] if name == "starts_E1" else part


@every_rule
@settings(max_examples=30)
@given(inputs())
def test_one_finite_number_per_turn_or_token(name, x):
    rule = RULES[name]()
    found = rule.assign(x)
    size = len(x.rewards_T) if rule.unit == "turn" else len(x.token_mask_N)
    assert found.unit == rule.unit and found.credit.shape == (size,) and found.credit.dtype == np.float64
    assert np.isfinite(found.credit).all()
    for targets, axis in ((found.targets_T, len(x.rewards_T)), (found.token_targets_N, len(x.token_mask_N))):
        assert targets is None or (targets.shape == (axis,) and np.isfinite(targets).all())
    on_tokens = found.on_tokens(x)
    assert on_tokens.shape == x.token_mask_N.shape and not on_tokens[~x.token_mask_N].any()


@every_rule
@settings(max_examples=30)
@given(inputs())
def test_it_is_a_pure_function(name, x):
    before = {f.name: np.array(getattr(x, f.name)) for f in dataclasses.fields(x) if getattr(x, f.name) is not None}
    first, second = RULES[name]().assign(x), RULES[name]().assign(x)
    np.testing.assert_array_equal(first.credit, second.credit)
    for field, held in before.items():
        np.testing.assert_array_equal(getattr(x, field), held)


@every_rule
@pytest.mark.parametrize("whiten", ["none", "turns", "tokens"])
@settings(max_examples=30)
@given(inputs())
def test_without_reward_credit_is_finite_and_without_a_critic_zero(name, whiten, x):
    x = dataclasses.replace(x, rewards_T=np.zeros(len(x.rewards_T)))
    rule = RULES[name](whiten=whiten)
    credit = rule.assign(x).credit
    assert np.isfinite(credit).all()
    if not rule.needs & {"critic", "token_critic"}:
        assert not credit.any()


@every_rule
@settings(max_examples=30)
@given(inputs(), st.floats(-5, 5), st.floats(0.5, 4))
def test_credit_is_linear_in_rewards_where_nothing_is_divided(name, x, shift, scale):
    if name == "grpo":
        return
    more = x.rewards_T * scale
    keep = [f for f in ("values_T", "bootstrap_E", "token_values_N") if getattr(x, f) is not None]
    scaled = dataclasses.replace(x, rewards_T=more, **{f: getattr(x, f) * scale for f in keep})
    rule = RULES[name]()
    assert rule.assign(scaled).credit == pytest.approx(rule.assign(x).credit * scale, abs=1e-9)


@every_rule
def test_it_says_what_it_needs_and_what_can_be_set(name):
    kind = RULES[name]
    assert kind.needs <= NEEDS.keys() and kind.needs <= NEXT_MOVES.keys() and kind.__doc__
    source = inspect.getsource(kind)
    for field in dataclasses.fields(kind):
        line = next(line for line in source.splitlines() if line.strip().startswith(f"{field.name}:"))
        assert "#" in line and len(line.partition("#")[2].split()) > 2, f"{field.name} has no sentence"


def test_every_need_of_the_protocol_is_known_to_the_pairing():
    assert NEEDS.keys() <= NEXT_MOVES.keys()
