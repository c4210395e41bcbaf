"""What every credit rule promises on any batch; the interface itself is tested in equal/test_credit_rules.py."""

from __future__ import annotations

import copy
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

ZERO_SPEAKS = {"clip-delta", "sotopia"}
"""Rules to which a judgement of 0 says something: a bad step, a middling relation."""

DIVIDED = {"grpo", "flow-grpo", "rapo", "mt-grpo", "arpo", "episode-z", "rest-mcts"}
"""Rules that divide by a spread, or ask only whether a path ended right."""

READ_T = sorted({name for rule in RULES.values() for name in getattr(rule, "reads_T", ())})
READ_E = sorted({name for rule in RULES.values() for name in getattr(rule, "reads_E", ())})


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
        state_T=rng.integers(-3, 4, size=turns),
        node_T=pairwise_trees(batch["starts_E1"], rng),
        signals_T={name: rng.random(turns).round(2) for name in READ_T},
        signals_E={name: rng.random(episodes).round(2) for name in READ_E},
    )


def pairwise_trees(starts, rng):
    """Ids of turns; every second episode begins with some of the turns of the one before it."""
    ids = rng.permutation(starts[-1])
    for e in range(1, len(starts) - 1, 2):
        most = min(starts[e + 1] - starts[e], starts[e] - starts[e - 1])
        shared = rng.integers(0, most + 1)
        ids[starts[e] : starts[e] + shared] = ids[starts[e - 1] : starts[e - 1] + shared]
    return ids


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
    before = copy.deepcopy({f.name: getattr(x, f.name) for f in dataclasses.fields(x)})
    first, second = RULES[name]().assign(x), RULES[name]().assign(x)
    np.testing.assert_array_equal(first.credit, second.credit)
    for field, held in before.items():
        np.testing.assert_equal(getattr(x, field), held)


@every_rule
@pytest.mark.parametrize("whiten", ["none", "turns", "tokens"])
@settings(max_examples=30)
@given(inputs())
def test_without_reward_credit_is_finite_and_without_a_critic_zero(name, whiten, x):
    rule = whitened(RULES[name](), whiten)
    x = dataclasses.replace(
        x,
        rewards_T=np.zeros(len(x.rewards_T)),
        signals_T={name: np.zeros(len(x.rewards_T)) for name in READ_T},
        signals_E={name: np.zeros(len(x.done_E)) for name in READ_E},
    )
    credit = rule.assign(x).credit
    assert np.isfinite(credit).all()
    if not rule.needs & {"critic", "token_critic"} and name not in ZERO_SPEAKS:
        assert not credit.any()


def whitened(rule, over):
    """The rule with that setting; one that leaves credit to an inner rule has it there."""
    if "whiten" in {f.name for f in dataclasses.fields(rule)}:
        return dataclasses.replace(rule, whiten=over)
    return dataclasses.replace(rule, inner=whitened(rule.inner, over))


@every_rule
@settings(max_examples=30)
@given(inputs(), st.floats(-5, 5), st.floats(0.5, 4))
def test_credit_is_linear_in_rewards_where_nothing_is_divided(name, x, shift, scale):
    if name in DIVIDED or "signals" in RULES[name].needs:
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
