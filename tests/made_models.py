"""Tiny random models of several types, all on one small tokenizer."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from turnwise.models.load import learn_tokenizer
from turnwise.models.policy import Policy

CORPUS = [f"take the {thing} from room {n}" for thing in ("lamp", "key", "map") for n in range(20)]
SHAPE = {
    "vocab_size": 300,
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}
CONFIGS = {
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=1),
    "qwen2": Qwen2Config(**SHAPE, num_key_value_heads=2),
    "qwen3": Qwen3Config(**SHAPE, num_key_value_heads=2, head_dim=16),
    "mistral": MistralConfig(**SHAPE, num_key_value_heads=4, sliding_window=256),
    "gpt_neox": GPTNeoXConfig(**SHAPE),
    "gpt2": GPT2Config(vocab_size=300, n_embd=48, n_layer=2, n_head=4, n_positions=512),
}


CHATML = (
    "{% for m in messages %}"
    "{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
FORGETFUL = CHATML.replace("m['content']", "(m['content'].split('</think>')[-1] if not loop.last else m['content'])")
"""Drops the thought of every message but the last, so what it writes does not extend what it wrote before."""


@lru_cache
def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level, with role tokens, 300 tokens at most."""
    return learn_tokenizer(CORPUS, 300)


def other_tokenizer(template: str | None) -> PreTrainedTokenizerFast:
    """A tokenizer with ChatML's special tokens."""
    core = Tokenizer.from_str(tokenizer().backend_tokenizer.to_str())
    made = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<|im_end|>", extra_special_tokens=["<|im_start|>", "<|im_end|>"]
    )
    made.chat_template = template
    return made


def bare(config: object, seed: int = 0, scale: float = 4.0):
    """A model with random weights, wide enough apart that its predictions are far from uniform."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight *= scale
    return model.eval()


def policy(kind: str, value_head: bool = False) -> Policy:
    """A policy of one type."""
    return Policy(bare(CONFIGS[kind]), tokenizer(), value_head)


def rows_of(lengths: list[int], seed: int = 0) -> list[np.ndarray]:
    """Random ids."""
    rng = np.random.default_rng(seed)
    return [rng.integers(5, 260, size=n) for n in lengths]
