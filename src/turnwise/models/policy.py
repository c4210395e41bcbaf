"""A policy: a Hugging Face causal language model, its chat, and optionally a value read from its last hidden
states.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as notices

from turnwise.core.errors import TurnwiseError
from turnwise.models import ragged
from turnwise.models.chat import Chat, chat_of
from turnwise.models.rows import Output, Rows
from turnwise.models.value_head import ValueHead

PLAIN = 1e-3  # a model is read right when log-probabilities differ by less (float32: by about 1e-6)
STRETCHED = ("dynamic", "longrope")  # rotary embeddings whose angles change with the longest row of a batch


class Policy(nn.Module):
    """A causal language model that speaks.

    Args:
        model: any Hugging Face causal language model with plain causal attention.
        tokenizer: its tokenizer; the chat is made from it.
        value_head: how many values are read from the last hidden states, one per critic (zero at first); True is one.

    Raises:
        TurnwiseError: the model's own numbers differ from what the flat forward computes.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: Any, value_head: int = False):
        super().__init__()
        self.model, self.tokenizer = model, tokenizer
        self.chat: Chat = chat_of(tokenizer)
        self.version = 0
        width = self.causal.config.hidden_size
        self.value_head = ValueHead(width, int(value_head), self.device) if value_head else None
        embedding: Any = self.causal.get_input_embeddings()
        embedding.padding_idx = None  # nothing is padded here, so every token learns
        self.eval()
        self._check_plain()

    @property
    def causal(self) -> PreTrainedModel:
        """The language model itself, below adapters if there are any."""
        inner = getattr(self.model, "get_base_model", None)
        return inner() if inner else self.model

    @property
    def device(self) -> torch.device:
        return self.causal.device

    @property
    def dtype(self) -> torch.dtype:
        return self.causal.dtype

    @property
    def layers(self) -> int:
        return self.causal.config.num_hidden_layers

    @property
    def vocabulary(self) -> int:
        """Rows of the output layer; at least as many as the tokenizer has tokens."""
        return self.causal.get_output_embeddings().weight.shape[0]

    @property
    def heads(self) -> tuple[int, int, int]:
        """Query heads, key-value heads, width of one head."""
        config = self.causal.config
        queries = config.num_attention_heads
        return (
            queries,
            getattr(config, "num_key_value_heads", None) or queries,
            getattr(config, "head_dim", None) or config.hidden_size // queries,
        )

    @property
    def longest(self) -> int:
        """Tokens of a row at most."""
        config = self.causal.config
        rope = getattr(config, "rope_parameters", None) or {}
        short = rope.get("original_max_position_embeddings") if rope.get("rope_type") in STRETCHED else None
        return short or int(getattr(config, "max_position_embeddings", sys.maxsize))

    def forward(self, rows: Rows) -> Output:
        """Read packed rows, with gradient: hidden states and values at the positions asked for."""
        lengths = np.asarray(rows.lengths, np.int64)
        plan = ragged.Packed(rows.lengths, self.device)
        where = torch.from_numpy(ragged.positions(lengths)).to(self.device)
        hidden = self.read(rows.ids, where, plan).index_select(0, rows.at)
        return Output(self, hidden, self.value(hidden))

    def read(self, ids: torch.Tensor, where: torch.Tensor, plan: ragged.Plan) -> torch.Tensor:
        """The one forward: flat ids and their positions int64 [N] -> last hidden states [N, hidden].

        Raises:
            TurnwiseError: a row is longer than the model can read, or a layer does not attend as it should.
        """
        if plan.longest > self.longest:
            raise TurnwiseError(
                f"a row of {plan.longest} tokens",
                f"at most {self.longest}, as the model's config.json says",
                "lower the turn or token limits of the episodes",
            )
        out = self.causal.base_model(input_ids=ids[None], position_ids=where[None], use_cache=False, ragged=plan)
        if plan.calls != self.layers:
            raise TurnwiseError(
                f"{type(self.causal).__name__}: {plan.calls} of {self.layers} layers asked for attention",
                "causal attention in every layer, chosen through set_attn_implementation",
                "use a model whose layers all attend (no state-space or linear-attention layers)",
            )
        return out.last_hidden_state[0]

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states [M, hidden] -> logits [M, vocabulary]."""
        return self.causal.get_output_embeddings()(hidden)

    @property
    def critics(self) -> int:
        """How many values it reads."""
        return 0 if self.value_head is None else self.value_head.critics

    def value(self, hidden: torch.Tensor) -> torch.Tensor | None:
        """Hidden states [M, hidden] -> values float32 [M], [M, K] of several critics, None without a value head."""
        if self.value_head is None:
            return None
        values = self.value_head(hidden.float())
        return values[:, 0] if self.critics == 1 else values

    def save(self, directory: str | Path) -> None:
        """Write a Hugging Face model directory, value_head.safetensors and turnwise.json (the version)."""
        place = Path(directory)
        with quiet():
            self.model.save_pretrained(place)
            self.tokenizer.save_pretrained(place)
        if self.value_head is not None:
            save_file(
                {k: v.contiguous() for k, v in self.value_head.state_dict().items()},
                place / "value_head.safetensors",
            )
        (place / "turnwise.json").write_text(json.dumps({"version": self.version}) + "\n")

    @classmethod
    def load(
        cls,
        directory: str | Path,
        value_head: int = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> Policy:
        """Read what `save` wrote, or any other local Hugging Face causal language model.

        Raises:
            TurnwiseError: the directory is not one.
        """
        place = Path(directory)
        if not (place / "config.json").is_file():
            raise TurnwiseError(
                f"no config.json in {place}",
                "a Hugging Face model directory",
                "check the path, or name scratch:micro",
            )
        try:
            with quiet():
                tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
                model: Any = AutoModelForCausalLM.from_pretrained(
                    place, local_files_only=True, dtype=dtype or torch.float32
                )
        except (OSError, ValueError) as error:
            raise TurnwiseError(
                f"{place} cannot be loaded: {error}", "a causal language model and its tokenizer"
            ) from error
        for parameter in model.parameters():  # read from the file's own pages, whose alignment changes the last bits
            parameter.data = parameter.data.clone()
        for how in ("is_local", "local_files_only"):  # how it was loaded is no part of it: saved again, the same bytes
            tokenizer.init_kwargs.pop(how, None)
        stored = place / "value_head.safetensors"
        head = load_file(stored) if stored.is_file() else None
        policy = cls(model.to(device or "cpu"), tokenizer, len(head["bias"]) if head else value_head)
        if head and policy.value_head is not None:
            policy.value_head.load_state_dict({"scale": torch.ones_like(head["bias"]), **head})
        if (place / "turnwise.json").is_file():
            policy.version = json.loads((place / "turnwise.json").read_text())["version"]
        return policy

    @torch.no_grad()
    def _check_plain(self) -> None:
        """Read two short rows by our forward and by the model's own; refuse the model where they differ."""
        model: Any = self.causal
        rows = [np.arange(size) * 7919 % self.vocabulary for size in (5, 9)]
        model.set_attn_implementation("eager")
        own = [model(torch.tensor(row[None], device=self.device), use_cache=False).logits[0, :-1] for row in rows]
        model.set_attn_implementation(ragged.IMPLEMENTATION)
        ours = self(Rows.pack(rows, device=self.device)).logits()
        first, second = (torch.log_softmax(x.float(), -1) for x in (ours, torch.cat(own)))
        gap = float((first - second).abs().max())
        if not gap < (PLAIN if self.dtype == torch.float32 else 50 * PLAIN):
            raise TurnwiseError(
                f"{type(model).__name__} differs by {gap:.2g} in log-probability from its own forward",
                "plain causal attention and an output layer without scaling (Llama, Qwen, Mistral, GPT-2)",
                "use such a model, or serve this one and name it openai:MODEL",
            )


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of transformers."""
    shown = notices.is_progress_bar_enabled()
    notices.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            notices.enable_progress_bar()
