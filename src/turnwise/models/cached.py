"""Attention over slots: rows whose past lies in the cache, each group of like rows in one batched call."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from turnwise.core.errors import TurnwiseError
from turnwise.models.cache import Block, Cache
from turnwise.models.ragged import repeat

DENSE = 0.5  # a group is read in place when it fills at least this share of the slots it spans
MASK_NUMBERS = 1 << 24  # numbers of one attention mask, at most


class Cached:
    """Rows whose past lies in the cache: what is new is written, then like rows are one batched call.

    Rows must come sorted by `order`, so that a group is one stretch of flat tokens.

    Args:
        block, slot: where each row lies, int64 [rows].
        past: tokens each row has in its slot already.
        new: tokens each row reads now, at least one.
        groups: query heads per key-value head; they become further queries of it, so keys are never repeated.
    """

    def __init__(
        self,
        cache: Cache,
        block: np.ndarray,
        slot: np.ndarray,
        past: np.ndarray,
        new: np.ndarray,
        groups: int,
    ):
        self.cache, self.calls = cache, 0
        self.longest = int((past + new).max())
        block, slot, past, new = _narrow(block, slot, past, new, groups)
        starts = np.concatenate([[0], np.cumsum(new)])
        where = np.repeat(past - starts[:-1], new) + np.arange(starts[-1])
        self.writes: list[tuple[Block, slice, torch.Tensor]] = []
        self.groups: list[Group] = []
        for first, last in _runs(block):
            home, flat = cache.at(int(block[first])), slice(int(starts[first]), int(starts[last]))
            cells = np.repeat(slot[first:last] * home.capacity, new[first:last]) + where[flat]
            self.writes.append((home, flat, torch.from_numpy(cells).to(cache.device)))
            for a, b in _runs(_bucket(past, new)[first:last]):
                for rows in _small_enough(slice(first + a, first + b), past, new, groups):
                    tokens = slice(int(starts[rows.start]), int(starts[rows.stop]))
                    self.groups.append(Group(home, tokens, slot[rows], past[rows], new[rows], groups, cache))

    @staticmethod
    def order(block: np.ndarray, slot: np.ndarray, past: np.ndarray, new: np.ndarray) -> np.ndarray:
        """The order in which rows must come: by block, by how much they read, by slot."""
        return np.lexsort((slot, _bucket(past, new), block))

    def attend(
        self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, dropout: float
    ) -> torch.Tensor:
        cache = self.cache
        if k.shape[1:] != (cache.kv_heads, cache.width) or v.shape != k.shape:
            raise TurnwiseError(
                f"layer {layer} makes keys {tuple(k.shape[1:])} and values {tuple(v.shape[1:])} per token",
                f"({cache.kv_heads}, {cache.width}) in every layer, as its config.json says",
                "use a model whose layers are all alike, or serve this one and name it openai:MODEL",
            )
        for home, flat, cells in self.writes:
            for part, x in enumerate((k, v)):
                home.kv[layer, part].flatten(0, 1).index_copy_(0, cells, x[flat].to(cache.dtype))
        out = [group.attend(layer, q[group.flat], scale) for group in self.groups]
        return out[0] if len(out) == 1 else torch.cat(out)


class Group:
    """Rows of one block that read about equally many tokens: one call.

    Slots are read in place where they lie close together (slots between them that do not take part are
    computed and dropped), gathered where they do not. Rows of unequal lengths are padded behind their own
    tokens.
    """

    def __init__(
        self,
        home: Block,
        flat: slice,
        slot: np.ndarray,
        past: np.ndarray,
        new: np.ndarray,
        groups: int,
        cache: Cache,
    ):
        low, high = int(slot.min()), int(slot.max()) + 1
        near = len(slot) >= DENSE * (high - low) and bool((np.diff(slot) > 0).all())
        self.home, self.flat = home, flat
        self.width, self.length = int(new.max()), int((past + new).max())
        self.span = slice(low, high) if near else slice(None)
        self.slots = None if near else torch.from_numpy(slot).to(cache.device)
        self.rows = high - low if near else len(slot)
        row = slot - low if near else np.arange(len(slot))
        self.place: torch.Tensor | None = None  # flat token -> its cell in [rows, width]; None: they are the same
        if self.rows != len(slot) or (new != self.width).any():
            cells = np.repeat(row * self.width - (np.cumsum(new) - new), new) + np.arange(int(new.sum()))
            self.place = torch.from_numpy(cells).to(cache.device)
        self.causal = self.width > 1 and not past.any()
        before = np.zeros(self.rows, np.int64)
        before[row] = past
        self.mask = None if self.causal else _mask(past, before, self.width, self.length, groups, cache)

    def attend(self, layer: int, q: torch.Tensor, scale: float) -> torch.Tensor:
        """q [tokens, heads, d] -> [tokens, heads, d]."""
        (heads, d), dtype = q.shape[1:], self.home.kv.dtype
        groups = heads // self.home.kv.shape[4]
        kv = self.home.kv[layer, :, self.span, : self.length]
        if self.slots is not None:
            kv = kv.index_select(1, self.slots)
        keys, values = kv.transpose(2, 3)  # [rows, kv heads, length, d]
        cells = q.to(dtype)
        if self.place is not None:
            cells = cells.new_zeros(self.rows * self.width, heads, d).index_copy_(0, self.place, cells)
        cells = cells.view(self.rows, self.width, -1, groups, d).transpose(1, 2)  # [rows, kv heads, width, groups, d]
        if self.causal:
            asked = cells.transpose(2, 3).flatten(1, 2)
            keys, values = repeat(keys, groups), repeat(values, groups)
            out = F.scaled_dot_product_attention(asked, keys, values, is_causal=True, scale=scale)
            out = out.transpose(1, 2)
        else:
            asked = cells.flatten(2, 3)
            out = F.scaled_dot_product_attention(asked, keys, values, attn_mask=self.mask, scale=scale)
            out = out.unflatten(2, (self.width, groups)).transpose(1, 2)
        out = out.reshape(-1, heads, d)
        return (out if self.place is None else out.index_select(0, self.place)).to(q.dtype)


def _mask(
    past: np.ndarray, before: np.ndarray, width: int, length: int, groups: int, cache: Cache
) -> torch.Tensor | None:
    """Query i of a row sees keys up to past + i; None where every key counts.

    Args:
        past: of the rows that take part. before: of all rows of the call, 0 for those that do not.

    Returns:
        Additive [rows or 1, 1, width * groups or 1, length].
    """
    if (past == past[0]).all():
        if width == 1:
            return None
        before = past[:1]
    last = np.minimum(before[:, None] + np.arange(width), length - 1)
    if width > 1:
        last = last.repeat(groups, 1)
    # every line of the mask is a window of one row of zeros and then minus infinities: copied, not computed
    row = torch.zeros(2 * length, dtype=cache.dtype, device=cache.device)
    row[length:] = -torch.inf
    shift = torch.from_numpy(length - 1 - last.ravel()).to(cache.device)
    return row.unfold(0, length, 1).index_select(0, shift).view(len(last), 1, -1, length)


def _bucket(past: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Rows of one bucket share a call: first readings, later ones; lengths 1, 2, 3-4, 5-8, ..."""
    first = (past == 0) & (new > 1)
    return 2 * np.ceil(np.log2(new)).astype(np.int64) + first


def _narrow(
    block: np.ndarray, slot: np.ndarray, past: np.ndarray, new: np.ndarray, groups: int
) -> tuple[np.ndarray, ...]:
    """Cut rows whose own mask would be too large into pieces of the same slot; keys are written before."""
    most = np.where(past > 0, np.maximum(1, MASK_NUMBERS // (groups * (past + new))), new)
    if (new <= most).all():
        return block, slot, past, new
    pieces = -(-new // most)
    nth = np.arange(int(pieces.sum())) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    block, slot, past, new, most = (np.repeat(x, pieces) for x in (block, slot, past, new, most))
    return block, slot, past + nth * most, np.minimum(most, new - nth * most)


def _runs(values: np.ndarray) -> Iterator[tuple[int, int]]:
    """Stretches of equal values: (first, one past the last)."""
    cuts = np.flatnonzero(np.diff(values)) + 1
    edges = [0, *cuts.tolist(), len(values)]
    yield from zip(edges[:-1], edges[1:], strict=True)


def _small_enough(rows: slice, past: np.ndarray, new: np.ndarray, groups: int) -> Iterator[slice]:
    """Split rows so that no call needs a mask of more than MASK_NUMBERS."""
    each = int(new[rows].max()) * groups * int((past[rows] + new[rows]).max())
    step = max(1, MASK_NUMBERS // each)
    for first in range(rows.start, rows.stop, step):
        yield slice(first, min(rows.stop, first + step))
