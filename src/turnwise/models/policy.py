"""A policy: a Hugging Face causal language model, its chat, and optionally a value read from its last hidden states."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from turnwise.core.errors import TurnwiseError
from turnwise.models import ragged
from turnwise.models.chat import Chat, chat_of

CHUNK = 4096  # positions whose logits are held at once
PLAIN = 1e-3  # largest difference of log-probabilities at which a model is taken to be read right (float32: about 1e-6)


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole rows, packed: what a training step reads."""

    ids: torch.Tensor  # int64 [N], row after row
    lengths: tuple[int, ...]  # tokens of each row; sums to N
    at: torch.Tensor  # int64 [M]: flat positions asked for; what is read there predicts the token after it
    targets: torch.Tensor  # int64 [M]: the tokens that follow them

    @classmethod
    def pack(cls, rows: Sequence[Any], asked: Sequence[Any] | None = None, device: torch.device | str = "cpu") -> Rows:
        """Pack rows of ids.

        Args:
            rows: int ids [L_r] each.
            asked: bool [L_r] each: tokens whose log-probability (and the value before them) is wanted. None: every token but the first.

        Raises:
            TurnwiseError: a first token is asked for, which nothing precedes, or lengths disagree.
        """
        arrays = [np.asarray(row, np.int64) for row in rows]
        lengths = tuple(len(row) for row in arrays)
        wanted = [np.arange(n) > 0 for n in lengths] if asked is None else [np.asarray(a, bool) for a in asked]
        if [len(a) for a in wanted] != list(lengths):
            raise TurnwiseError(f"rows of {list(lengths)} tokens with masks of {[len(a) for a in wanted]}", "one mask value per token")
        if any(len(a) and a[0] for a in wanted):
            raise TurnwiseError("the first token of a row is asked for", "a token with something before it to predict it from")
        ids, places = np.concatenate(arrays), np.flatnonzero(np.concatenate(wanted))
        flat = torch.from_numpy(ids).to(device)
        return cls(flat, lengths, torch.from_numpy(places - 1).to(device), torch.from_numpy(ids[places]).to(device))


@dataclass(slots=True)
class Output:
    """What a policy says at the positions asked for."""

    policy: Policy
    hidden: torch.Tensor  # [M, hidden]: last hidden states
    values: torch.Tensor | None  # float32 [M]: expected return from there, in the units it was trained on; None without a value head

    def logits(self) -> torch.Tensor:
        """[M, vocabulary]; large: for a long batch use `score`, which never holds it whole."""
        return self.policy.head(self.hidden)

    def score(self, targets: torch.Tensor, entropy: bool = False, chunk: int = CHUNK) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Natural log-probabilities of targets [M], and entropies [M] in nats if asked; float32, differentiable, `chunk` rows at a time."""
        parts = []
        for first in range(0, len(targets), chunk):
            piece = self.hidden[first : first + chunk], targets[first : first + chunk], entropy
            if len(targets) > chunk and self.hidden.requires_grad:
                parts.append(checkpoint(self._score, *piece, use_reentrant=False))
            else:
                parts.append(self._score(*piece))
        if not parts:
            none = self.hidden.new_zeros(0, dtype=torch.float32)
            return none, none if entropy else None
        return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts]) if entropy else None

    def _score(self, hidden: torch.Tensor, targets: torch.Tensor, entropy: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        logp = torch.log_softmax(self.policy.head(hidden).float(), -1)
        return logp.gather(1, targets[:, None])[:, 0], -(logp.exp() * logp).sum(-1) if entropy else None


class Policy(nn.Module):
    """A causal language model that speaks.

    Args:
        model: any Hugging Face causal language model with plain causal attention.
        tokenizer: its tokenizer; the chat is made from it.
        value_head: whether a scalar value is read from the last hidden states (zero at first).

    Raises:
        TurnwiseError: the model's own numbers differ from what the flat forward computes.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: Any, value_head: bool = False):
        super().__init__()
        self.model, self.tokenizer = model, tokenizer
        self.chat: Chat = chat_of(tokenizer)
        self.version = 0
        self.value_head: nn.Linear | None = None
        if value_head:
            self.value_head = nn.Linear(self.causal.config.hidden_size, 1, device=self.device, dtype=torch.float32)
            nn.init.zeros_(self.value_head.weight)
            nn.init.zeros_(self.value_head.bias)
        self.eval()
        self._check_plain()
        self.causal.set_attn_implementation(ragged.IMPLEMENTATION)

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

    def forward(self, rows: Rows) -> Output:
        """Read packed rows, with gradient: hidden states and values at the positions asked for."""
        lengths = np.asarray(rows.lengths, np.int64)
        plan = ragged.Packed(lengths, self.device)
        where = torch.from_numpy(ragged.positions(lengths)).to(self.device)
        hidden = self.read(rows.ids, where, plan).index_select(0, rows.at)
        return Output(self, hidden, self.value(hidden))

    def read(self, ids: torch.Tensor, where: torch.Tensor, plan: ragged.Plan) -> torch.Tensor:
        """The one forward: flat ids and their positions int64 [N] -> last hidden states [N, hidden]."""
        out = self.causal.base_model(input_ids=ids[None], position_ids=where[None], use_cache=False, ragged=plan)
        if plan.calls != self.layers:
            raise TurnwiseError(
                f"{type(self.causal).__name__} has {self.layers} layers, and {plan.calls} of them asked for attention",
                "causal attention in every layer, chosen through set_attn_implementation",
                "use a model whose layers all attend (no state-space or linear-attention layers)",
            )
        return out.last_hidden_state[0]

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states [M, hidden] -> logits [M, vocabulary]."""
        return self.causal.get_output_embeddings()(hidden)

    def value(self, hidden: torch.Tensor) -> torch.Tensor | None:
        """Hidden states [M, hidden] -> values float32 [M], None without a value head."""
        return None if self.value_head is None else self.value_head(hidden.float())[:, 0]

    def save(self, directory: str | Path) -> None:
        """Write a Hugging Face model directory, with value_head.safetensors and turnwise.json (the version) beside it."""
        place = Path(directory)
        self.model.save_pretrained(place)
        self.tokenizer.save_pretrained(place)
        if self.value_head is not None:
            save_file({k: v.contiguous() for k, v in self.value_head.state_dict().items()}, place / "value_head.safetensors")
        (place / "turnwise.json").write_text(json.dumps({"version": self.version}) + "\n")

    @classmethod
    def load(cls, directory: str | Path, value_head: bool = False, device: Any = None, dtype: torch.dtype | None = None) -> Policy:
        """Read what `save` wrote, or any other local Hugging Face causal language model.

        Raises:
            TurnwiseError: the directory is not one.
        """
        place = Path(directory)
        if not (place / "config.json").is_file():
            raise TurnwiseError(f"no config.json in {place}", "a Hugging Face model directory", "check the path, or name scratch:micro")
        try:
            tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(place, local_files_only=True, dtype=dtype or torch.float32)
        except (OSError, ValueError) as error:
            raise TurnwiseError(f"{place} cannot be loaded: {error}", "a causal language model and its tokenizer") from error
        stored = place / "value_head.safetensors"
        policy = cls(model.to(device or "cpu"), tokenizer, value_head or stored.is_file())
        if stored.is_file() and policy.value_head is not None:
            policy.value_head.load_state_dict(load_file(stored))
        if (place / "turnwise.json").is_file():
            policy.version = json.loads((place / "turnwise.json").read_text())["version"]
        return policy

    @torch.no_grad()
    def _check_plain(self) -> None:
        """Read two short rows by our forward and one by one by the model's own; refuse the model where they differ."""
        model, sizes = self.causal, (5, 9)
        vocabulary = model.get_input_embeddings().num_embeddings
        rows = [np.arange(size) * 7919 % vocabulary for size in sizes]
        model.set_attn_implementation("eager")
        plain = [torch.log_softmax(model(torch.from_numpy(row)[None].to(self.device), use_cache=False).logits[0].float(), -1) for row in rows]
        model.set_attn_implementation(ragged.IMPLEMENTATION)
        ours = torch.log_softmax(self(Rows.pack(rows, device=self.device)).logits().float(), -1)
        wanted = torch.cat([p[:-1] for p in plain])
        gap = float((ours - wanted).abs().max())
        if not gap < (PLAIN if self.dtype == torch.float32 else 50 * PLAIN):
            raise TurnwiseError(
                f"{type(model).__name__} read by turnwise differs from its own forward by {gap:.2g} in log-probability",
                "plain causal attention and an output layer without scaling (Llama, Qwen, Mistral, GPT-2 and their like)",
                "use such a model, or serve this one and name it openai:MODEL",
            )
