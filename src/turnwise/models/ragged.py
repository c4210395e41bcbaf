"""One forward for sampling and training: flat tokens through the linear layers, rows only inside attention.

A batch is one line of N real tokens without padding (input_ids [1, N], position_ids [1, N]). Everything in a
transformer but attention treats tokens one by one, so it runs on exactly N tokens. Attention is handed a
`plan` (keyword `ragged`) that knows which tokens make a row: `Packed` for whole rows without a cache
(training, differentiable), `turnwise.models.cached.Cached` for rows whose keys and values lie in slots. No
mask over all pairs of tokens is ever built: transformers skips its own where an implementation has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AttentionInterface

from turnwise.core.errors import TurnwiseError

IMPLEMENTATION = "turnwise"
OTHER_FORMULAS = (
    "softcap",
    "s_aux",
    "position_bias",
    "block_table",
)  # which some models ask their attention for


class Plan(Protocol):
    """How flat tokens divide into rows."""

    longest: int  # tokens of the longest row, its past included
    calls: int  # attention layers that have asked so far

    def attend(
        self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, dropout: float
    ) -> torch.Tensor:
        """q [N, heads, d], k and v [N, kv heads, d] -> [N, heads, d]."""
        ...


def attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    ragged: Plan | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **extra: Any,
) -> tuple[torch.Tensor, None]:
    """The attention of every layer.

    Args:
        query: [1, heads, N, d].
        key, value: [1, kv heads, N, d].
        ragged: how the N tokens divide into rows.

    Returns:
        [1, N, heads, d], and no weights.

    Raises:
        TurnwiseError: the model asks for a formula that the plans do not have, so its numbers would be wrong.
    """
    if ragged is None:
        raise TurnwiseError(
            f"{type(module).__name__} was called without a plan of its rows",
            "the plan to reach every attention layer as the keyword `ragged`",
            "call the model through Policy; for plain use, model.set_attn_implementation('sdpa')",
        )
    strange = [name for name in OTHER_FORMULAS if extra.get(name) is not None]
    if strange or attention_mask is not None or not getattr(module, "is_causal", True):
        raise TurnwiseError(
            f"{type(module).__name__} asks for attention with {', '.join(strange) or 'a mask of its own'}",
            "plain causal attention (Llama, Qwen, GPT-2, Mistral, GPT-NeoX and their like)",
            "use a model with plain causal attention, or serve this one and name it openai:MODEL",
        )
    if sliding_window is not None and ragged.longest > sliding_window:
        raise TurnwiseError(
            f"a row of {ragged.longest} tokens, in a model whose layers see only the last {sliding_window}",
            "rows within the window, where full and windowed attention are the same",
            "lower the turn or token limits, or use a model without a sliding window",
        )
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    ragged.calls += 1
    return ragged.attend(getattr(module, "layer_idx", 0), q, k, v, scale, dropout).unsqueeze(0), None


AttentionInterface.register(IMPLEMENTATION, attention)


class Packed:
    """Whole rows without a cache, for training: similar lengths share one padded causal call.

    Padding stands behind a row's own tokens, so causality alone hides it, and rows never see each other.

    Args:
        lengths: tokens of each row, in flat order.
        waste: longest over shortest row of one call, at most.
        most: padded tokens of one call, at most (bounds memory).
    """

    def __init__(
        self,
        lengths: Sequence[int],
        device: torch.device | str = "cpu",
        waste: float = 1.25,
        most: int = 1 << 16,
    ):
        sizes = np.asarray(lengths, np.int64)
        if len(sizes) == 0 or sizes.min() < 1:
            raise TurnwiseError("a packed batch with no rows, or with an empty row", "at least one token in every row")
        self.longest, self.calls = int(sizes.max()), 0
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        order = np.argsort(sizes, kind="stable")
        where = np.empty(int(sizes.sum()), np.int64)  # flat token -> its place in the padded calls, laid end to end
        self.calls_of: list[tuple[torch.Tensor, int, int]] = []
        done = 0
        for first, last in pairwise(_cuts(sizes[order], waste, most)):
            rows = order[first:last]
            width = int(sizes[rows].max())
            offset = np.minimum(np.arange(width), sizes[rows, None] - 1)  # padding repeats the row's last token
            self.calls_of.append((torch.from_numpy((starts[rows, None] + offset).ravel()).to(device), len(rows), width))
            real = np.arange(width) < sizes[rows, None]
            where[(starts[rows, None] + offset)[real]] = done + np.flatnonzero(real)
            done += len(rows) * width
        self.back = torch.from_numpy(where).to(device)

    def attend(
        self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, dropout: float
    ) -> torch.Tensor:
        """One causal call per group of rows; the flat order comes back at the end."""
        groups, out = q.shape[1] // k.shape[1], []
        for index, rows, width in self.calls_of:
            qs, ks, vs = (x.index_select(0, index).view(rows, width, *x.shape[1:]).transpose(1, 2) for x in (q, k, v))
            ks, vs = repeat(ks, groups), repeat(vs, groups)
            mixed = F.scaled_dot_product_attention(qs, ks, vs, dropout_p=dropout, is_causal=True, scale=scale)
            out.append(mixed.transpose(1, 2).reshape(rows * width, *mixed.shape[1::2]))
        return torch.cat(out).index_select(0, self.back)


def repeat(x: torch.Tensor, groups: int) -> torch.Tensor:
    """[rows, kv heads, L, d] -> [rows, heads, L, d]; a view where there is one kv head."""
    if groups == 1:
        return x
    rows, heads, length, width = x.shape
    return x[:, :, None].expand(rows, heads, groups, length, width).reshape(rows, heads * groups, length, width)


def _cuts(ascending: np.ndarray, waste: float, most: int) -> list[int]:
    """Where to cut ascending lengths so that each piece pads little and stays small."""
    cuts = [0]
    for i, size in enumerate(ascending):
        first = cuts[-1]
        if i > first and (size > waste * ascending[first] + 8 or (i + 1 - first) * size > most):
            cuts.append(i)
    return [*cuts, len(ascending)]


def positions(lengths: np.ndarray, past: np.ndarray | int = 0) -> np.ndarray:
    """Position of every flat token in its row, int64 [N]: `lengths` [rows] new tokens after `past` each."""
    starts = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(past - starts, lengths)
