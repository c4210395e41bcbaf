"""Flat rows are read exactly as each row alone, forwards and backwards, or the model is refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from transformers import Gemma2Config, MambaConfig, MistralConfig

import made_models
from turnwise.core.errors import TurnwiseError
from turnwise.models.policy import Policy, Rows
from turnwise.models.ragged import Packed, positions

LENGTHS = [3, 17, 1, 40, 9, 17, 2]


def alone(policy: Policy, row: np.ndarray) -> torch.Tensor:
    """Logits of the model as transformers runs it, on one row."""
    model = copy.deepcopy(policy.causal)
    model.set_attn_implementation("eager")
    return model(torch.from_numpy(row)[None], use_cache=False).logits[0]


@pytest.mark.parametrize("kind", made_models.CONFIGS)
@torch.no_grad()
def test_each_row_as_if_alone(kind):
    policy, rows = made_models.policy(kind), made_models.rows_of(LENGTHS)
    ours = policy(Rows.pack(rows)).logits()
    theirs = torch.cat([alone(policy, row)[:-1] for row in rows])
    assert torch.allclose(ours, theirs, atol=1e-5 * float(theirs.abs().max()))
    assert float(theirs.std()) > 0.1  # far from uniform, so agreement means something


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2"])
def test_gradients_packed_and_separate_agree(kind):
    policy, rows = made_models.policy(kind), made_models.rows_of(LENGTHS)
    packed = Rows.pack(rows)
    policy(packed).score(packed.targets)[0].sum().backward()
    ours = [p.grad.clone() for p in policy.parameters()]
    policy.zero_grad()
    model = copy.deepcopy(policy.causal)
    model.set_attn_implementation("eager")
    for row in rows:
        logp = torch.log_softmax(model(torch.from_numpy(row)[None], use_cache=False).logits[0, :-1], -1)
        logp.gather(1, torch.from_numpy(row[1:])[:, None]).sum().backward()
    theirs = [p.grad for p in model.parameters()]
    scale = max(float(g.abs().max()) for g in theirs)
    assert max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True)) < 1e-5 * scale


@torch.no_grad()
def test_rows_never_see_each_other():
    policy, rows = made_models.policy("llama"), made_models.rows_of([12, 12, 30])
    before = policy(Rows.pack(rows)).logits()
    rows[1] = rows[1][::-1].copy()
    after = policy(Rows.pack(rows)).logits()
    same = (before == after).all(-1)
    assert same[:11].all() and same[22:].all() and not same[11:22].all()


def test_padding_is_bounded():
    plan = Packed(list(range(1, 400)))
    padded = sum(rows * width for _, rows, width in plan.calls_of)
    assert padded < 1.3 * sum(range(1, 400))
    assert len(plan.calls_of) < 25


def test_positions_begin_anew_in_each_row():
    assert positions(np.array([2, 3, 1]), np.array([0, 5, 7])).tolist() == [0, 1, 5, 6, 7, 7]


def test_sliding_window_is_right_within_and_refused_beyond():
    shape = {**made_models.SHAPE, "sliding_window": 16}
    policy = Policy(made_models.bare(MistralConfig(**shape, num_key_value_heads=4)), made_models.tokenizer())
    policy(Rows.pack(made_models.rows_of([16])))
    with pytest.raises(TurnwiseError, match="last 16"):
        policy(Rows.pack(made_models.rows_of([17])))


def test_other_formulas_and_layers_are_refused():
    gemma = Gemma2Config(**made_models.SHAPE, num_key_value_heads=2, head_dim=12)
    with pytest.raises(TurnwiseError, match="softcap"):
        Policy(made_models.bare(gemma), made_models.tokenizer())
    mamba = MambaConfig(vocab_size=300, hidden_size=32, num_hidden_layers=2, state_size=4)
    with pytest.raises(TurnwiseError):
        Policy(made_models.bare(mamba), made_models.tokenizer())


def test_a_forward_without_a_plan_is_an_error():
    with pytest.raises(TurnwiseError, match="without a plan"):
        made_models.policy("llama").causal(torch.tensor([[5, 6]]))
