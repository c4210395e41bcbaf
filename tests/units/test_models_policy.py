"""Policies: rows, values, chunks, saving, and specs."""

from __future__ import annotations

import string

import numpy as np
import pytest
import torch

import made_models
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.models.chat import RoleTokens
from turnwise.models.load import SIZES, load_policy
from turnwise.models.policy import Policy, Rows


def test_pack_asks_for_the_token_after_each_position():
    rows = Rows.pack([[10, 11, 12], [20, 21]], [[False, True, True], [False, True]])
    assert rows.at.tolist() == [0, 1, 3] and rows.targets.tolist() == [11, 12, 21] and rows.lengths == (3, 2)
    assert Rows.pack([[10, 11, 12], [20, 21]]).at.tolist() == rows.at.tolist()


def test_nothing_precedes_a_first_token():
    with pytest.raises(TurnwiseError, match="first token"):
        Rows.pack([[10, 11]], [[True, True]])
    with pytest.raises(TurnwiseError, match="one mask value per token"):
        Rows.pack([[10, 11]], [[False]])


def test_chunks_change_neither_scores_nor_gradients():
    policy = made_models.policy("llama")
    rows = Rows.pack(made_models.rows_of([20, 7]))
    found = []
    for chunk in (1000, 4):
        logp, entropy = policy(rows).score(rows.targets, entropy=True, chunk=chunk)
        policy.zero_grad()
        (logp.sum() + 0.1 * entropy.sum()).backward()
        found.append((logp.detach(), entropy.detach(), policy.model.lm_head.weight.grad.clone()))
    for whole, cut in zip(*found, strict=True):
        assert torch.allclose(whole, cut, rtol=1e-5, atol=1e-5 * float(whole.abs().max()))


def test_entropy_of_a_uniform_model_is_log_of_the_vocabulary():
    policy = made_models.policy("llama")
    torch.nn.init.zeros_(policy.model.lm_head.weight)
    rows = Rows.pack(made_models.rows_of([5]))
    logp, entropy = policy(rows).score(rows.targets, entropy=True)
    assert np.allclose(entropy.detach(), np.log(300)) and np.allclose(logp.detach(), -np.log(300))


def test_the_end_token_learns_although_it_is_also_the_padding_token():
    model = made_models.bare(made_models.CONFIGS["llama"])
    model.get_input_embeddings().padding_idx = 4
    policy = Policy(model, made_models.tokenizer())
    rows = Rows.pack([[4, 5, 6]])
    policy(rows).score(rows.targets)[0].sum().backward()
    assert policy.model.get_input_embeddings().weight.grad[4].abs().max() > 0


def test_a_row_longer_than_the_model_reads_is_refused():
    policy = made_models.policy("gpt2")
    with pytest.raises(TurnwiseError, match="at most 512"):
        policy(Rows.pack(made_models.rows_of([513])))


def test_values_begin_at_zero_and_follow_the_head():
    policy = made_models.policy("llama", value_head=True)
    rows = Rows.pack(made_models.rows_of([5, 3]))
    assert policy(rows).values.tolist() == [0.0] * 6
    policy.value_head.bias.data += 2.5
    assert policy(rows).values.tolist() == [2.5] * 6
    assert made_models.policy("llama")(rows).values is None


def test_what_is_saved_is_what_is_loaded(tmp_path):
    policy = load_policy("scratch:nano", seed=3, corpus=made_models.CORPUS, value_head=True)
    policy.value_head.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    policy.version = 7
    policy.save(tmp_path)
    for again in (Policy.load(tmp_path), load_policy(f"hf:{tmp_path}")):
        assert again.version == 7 and isinstance(again.chat, RoleTokens)
        ours, theirs = policy.state_dict(), again.state_dict()
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
        assert again.chat.text_ids("take the lamp") == policy.chat.text_ids("take the lamp")


def test_a_loaded_policy_computes_the_same_bits(tmp_path):
    """Weights that lie where a file's header left them are summed in another order, and differ in the last bits."""
    policy = load_policy("scratch:nano", corpus=made_models.CORPUS, value_head=True)
    policy.save(tmp_path)
    again = Policy.load(tmp_path)
    assert {weight.data_ptr() % 64 for weight in again.parameters()} == {0}
    with torch.no_grad():
        for size in range(1, 40):
            rows = Rows.pack(made_models.rows_of([size + 1, 2 * size], seed=size))
            assert torch.equal(policy(rows).logits(), again(rows).logits())


def test_same_seed_and_corpus_same_bytes():
    before = torch.random.get_rng_state()
    one, two, other = (
        load_policy("scratch:nano", seed=s, corpus=made_models.CORPUS, value_head=True).state_dict() for s in (1, 1, 2)
    )
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert not all(torch.equal(one[k], other[k]) for k in one)
    assert torch.equal(before, torch.random.get_rng_state())


def test_sizes_are_as_documented():
    letters = string.ascii_letters
    words = [f"{a}{b}{c} {c}{b}{a}" for a in letters for b in letters for c in "abcdefghij"] * 2
    documented = {"nano": 410_240, "micro": 885_888, "small": 7_082_240}
    assert documented.keys() == SIZES.keys()
    for name, size in SIZES.items():
        policy = load_policy(f"scratch:{name}", corpus=words)
        assert policy.vocabulary == size.vocabulary
        assert sum(p.numel() for p in policy.parameters()) == documented[name]


@pytest.mark.parametrize(
    ("spec", "near"),
    [
        ("scratch:mico", "scratch:micro"),
        ("scrach:nano", "scratch:nano"),
        ("scratch", "scratch:"),
        ("hf:", "hf:DIR"),
    ],
)
def test_a_misspelt_spec_names_the_close_match(spec, near):
    with pytest.raises(UnknownName, match=f"mean .*'{near}"):
        load_policy(spec)


def test_a_directory_without_a_model_says_so(tmp_path):
    with pytest.raises(TurnwiseError, match=r"no config\.json"):
        load_policy(f"hf:{tmp_path}")
