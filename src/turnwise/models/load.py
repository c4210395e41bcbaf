"""Model specs to policies: `scratch:SIZE` (random weights, a vocabulary learned from the tasks' own texts)
and `hf:DIR`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.models.chat import END, SPECIAL, TEMPLATE
from turnwise.models.policy import Policy


@dataclass(frozen=True, slots=True)
class Size:
    """A Llama-type model small enough for two processor cores."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    inner: int  # width of the SwiGLU layer
    vocabulary: int  # tokens at most; a small corpus gives fewer


# parameters at the full vocabulary, input and output embeddings being one matrix:
# nano 410,240; micro 885,888; small 7,082,240
SIZES = {
    "nano": Size(layers=2, width=128, heads=4, kv_heads=1, inner=256, vocabulary=1024),
    "micro": Size(layers=4, width=128, heads=4, kv_heads=1, inner=384, vocabulary=1024),
    "small": Size(layers=8, width=256, heads=8, kv_heads=2, inner=768, vocabulary=4096),
}
LONGEST = 32_768  # positions the rotary embedding is told of; nothing is stored per position


def load_policy(
    spec: str,
    *,
    seed: int = 0,
    corpus: Iterable[str] | None = None,
    value_head: int = False,
    device: Any = None,
    dtype: torch.dtype | None = None,
) -> Policy:
    """A policy from its spec.

    Args:
        spec: `scratch:nano|micro|small`, or `hf:DIR` (a local Hugging Face causal language model).
        seed: of the random weights; same seed and corpus, same bytes.
        corpus: texts the vocabulary of a scratch model is learned from; None gives single bytes. Every string
            round-trips either way.
        value_head: how many values are read, one per critic, zero at first; True is one.

    Raises:
        TurnwiseError: the spec is misspelt (with the close match), or the directory holds no usable model.
    """
    kind, _, name = spec.partition(":")
    if kind == "hf" and name:
        return Policy.load(name, value_head, device, dtype)
    if kind != "scratch" or name not in SIZES:
        raise UnknownName("model", spec, [*(f"scratch:{size}" for size in SIZES), "hf:DIR"])
    size = SIZES[name]
    tokenizer = learn_tokenizer(corpus or (), size.vocabulary)
    model: Any = scratch_model(size, tokenizer, seed)
    model = model.to(device=device or "cpu", dtype=dtype or torch.float32)
    return Policy(model, tokenizer, value_head)


def scratch_model(size: Size, tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """Random weights from a seed, without touching the process-wide generator."""
    end = tokenizer.convert_tokens_to_ids(END)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        max_position_embeddings=LONGEST,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def learn_tokenizer(corpus: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE with our role tokens first; any string comes back exactly as it went in."""
    least = 256 + len(SPECIAL)
    if vocabulary < least:
        raise TurnwiseError(f"a vocabulary of {vocabulary} tokens", f"at least {least}: the bytes and the role tokens")
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )  # merges may cross spaces, as in SuperBPE
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(corpus, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=END, pad_token=END, extra_special_tokens=list(SPECIAL[:-1])
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer
