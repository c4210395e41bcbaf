"""Keys and values of live lines, kept across turns: slots of a few sizes, and the attention that reads them in place.

A line lies in a slot of a block; a block holds slots of one capacity for all layers. A line that outgrows its slot moves to the next
capacity (twice as large), so memory stays within about twice of what is held, and ten thousand short lines beside one long one cost what
they hold. Neighbouring slots are read as views, without copying.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from turnwise.core.errors import TurnwiseError
from turnwise.models.ragged import repeat

SMALLEST = 32  # tokens of the smallest slot
DENSE = 0.5  # a group is read in place when it fills at least this share of the slots it spans
MASK_NUMBERS = 1 << 24  # numbers of one attention mask, at most


@dataclass(slots=True)
class Block:
    """Slots of one capacity."""

    kv: torch.Tensor  # [layers, 2, slots, capacity, kv heads, head width]
    free: list[int] = field(default_factory=list)  # heap: the lowest free slot goes first, which keeps those in use together

    @property
    def slots(self) -> int:
        return self.kv.shape[2]

    @property
    def capacity(self) -> int:
        return self.kv.shape[3]

    @property
    def empty(self) -> bool:
        return len(self.free) == self.slots


class Cache:
    """All slots of one engine.

    Args:
        layers, kv_heads, width: shape of the model's keys and values; width is that of one head.
        dtype: of the stored keys and values; float32 is exact, bfloat16 halves memory and reading.
    """

    def __init__(self, layers: int, kv_heads: int, width: int, dtype: torch.dtype, device: torch.device | str = "cpu"):
        self.layers, self.kv_heads, self.width, self.dtype, self.device = layers, kv_heads, width, dtype, device
        self.blocks: list[Block | None] = []
        self.capacity = np.zeros(0, np.int64)  # of each block, in tokens; 0 where there is none

    @property
    def bytes_held(self) -> int:
        """Bytes of all blocks, free slots included."""
        return sum(b.kv.nbytes for b in self.blocks if b is not None)

    def take(self, tokens: int, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Slots that hold `tokens` each: block numbers and slot numbers, int64 [count], neighbours where possible."""
        capacity = int(_capacity(tokens))
        blocks, slots = np.empty(count, np.int64), np.empty(count, np.int64)
        got = held = 0
        for number, block in enumerate(self.blocks):
            if block is None or block.capacity != capacity:
                continue
            held += block.slots
            while block.free and got < count:
                blocks[got], slots[got] = number, heapq.heappop(block.free)
                got += 1
        if got < count:
            number = self._add(capacity, max(count - got, held // 2, 8))
            blocks[got:], slots[got:] = number, np.arange(count - got)
            del self.at(number).free[: count - got]
        return blocks, slots

    def give(self, block: int, slot: int) -> None:
        """Free a slot."""
        heapq.heappush(self.at(block).free, slot)

    def trim(self) -> None:
        """Let go of the memory of blocks without lines."""
        self.blocks = [None if b is None or b.empty else b for b in self.blocks]
        self._note()

    def grow(self, lines: Sequence[Any], held: np.ndarray, needed: np.ndarray) -> None:
        """Give each line (anything with block and slot) a slot for `needed` tokens, and carry over the `held` ones: int64 [lines]."""
        sizes = _capacity(needed)
        for size in np.unique(sizes):
            chosen = np.flatnonzero(sizes == size)
            old = np.array([(lines[i].block, lines[i].slot) for i in chosen], np.int64)
            order = np.lexsort(old.T[::-1])  # neighbours stay neighbours
            chosen, old = chosen[order], old[order]
            blocks, slots = self.take(int(size), len(chosen))
            moved = old[:, 0] >= 0
            self.copy(old[moved, 0], old[moved, 1], blocks[moved], slots[moved], held[chosen[moved]])
            for i, block, slot in zip(chosen.tolist(), blocks.tolist(), slots.tolist(), strict=True):
                if lines[i].block >= 0:
                    self.give(lines[i].block, lines[i].slot)
                lines[i].block, lines[i].slot = block, slot

    def copy(self, blocks: np.ndarray, slots: np.ndarray, to_blocks: np.ndarray, to_slots: np.ndarray, lengths: np.ndarray) -> None:
        """Copy whole lines from slots to slots: arrays [lines]."""
        for b in np.unique(blocks):
            for t in np.unique(to_blocks[blocks == b]):
                both = (blocks == b) & (to_blocks == t)
                most = int(lengths[both].max())
                source, target = self.at(b).kv[:, :, :, :most], self.at(t).kv[:, :, :, :most]
                old, new = torch.from_numpy(slots[both]).to(self.device), torch.from_numpy(to_slots[both]).to(self.device)
                with torch.inference_mode():
                    for layer in range(self.layers):
                        for part in range(2):
                            target[layer, part].index_copy_(0, new, source[layer, part].index_select(0, old))

    def _add(self, capacity: int, slots: int) -> int:
        """A new block, in the first unused number."""
        kv = torch.zeros(self.layers, 2, slots, capacity, self.kv_heads, self.width, dtype=self.dtype, device=self.device)
        if None not in self.blocks:
            self.blocks.append(None)
        number = self.blocks.index(None)
        self.blocks[number] = Block(kv, list(range(slots)))
        self._note()
        return number

    def _note(self) -> None:
        self.capacity = np.array([0 if b is None else b.capacity for b in self.blocks], np.int64)

    def at(self, number: int) -> Block:
        """The block with this number."""
        block = self.blocks[number]
        assert block is not None
        return block


def _capacity(tokens: int | np.ndarray) -> np.ndarray:
    """The smallest slot that holds so many tokens: SMALLEST times a power of two."""
    return SMALLEST << np.ceil(np.log2(np.maximum(1, np.asarray(tokens) / SMALLEST))).astype(np.int64)


class Cached:
    """Rows whose past lies in the cache: new keys and values are written, then every group of like rows is one batched call.

    Rows must come sorted by `order`, so that a group is one stretch of flat tokens.

    Args:
        block, slot: where each row lies, int64 [rows].
        past: tokens each row has in its slot already.
        new: tokens each row reads now, at least one.
        groups: query heads per key-value head; they become further queries of it, so keys are never repeated.
    """

    def __init__(self, cache: Cache, block: np.ndarray, slot: np.ndarray, past: np.ndarray, new: np.ndarray, groups: int):
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

    def attend(self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, dropout: float) -> torch.Tensor:
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

    Slots are read in place where they lie close together (slots between them that do not take part are computed and dropped), gathered
    where they do not. Rows of unequal lengths are padded behind their own tokens.
    """

    def __init__(self, home: Block, flat: slice, slot: np.ndarray, past: np.ndarray, new: np.ndarray, groups: int, cache: Cache):
        low, high = int(slot.min()), int(slot.max()) + 1
        near = len(slot) >= DENSE * (high - low) and bool((np.diff(slot) > 0).all())
        self.home, self.flat = home, flat
        self.width, self.length = int(new.max()), int((past + new).max())
        self.span = slice(low, high) if near else slice(None)
        self.slots = None if near else torch.from_numpy(slot).to(cache.device)
        self.rows = high - low if near else len(slot)
        row = slot - low if near else np.arange(len(slot))
        self.place: torch.Tensor | None = None  # flat token -> its cell in [rows, width]; None where they are the same
        if self.rows != len(slot) or (new != self.width).any():
            cells = np.repeat(row * self.width - (np.cumsum(new) - new), new) + np.arange(int(new.sum()))
            self.place = torch.from_numpy(cells).to(cache.device)
        self.causal = self.width > 1 and not past.any()
        before = np.zeros(self.rows, np.int64)
        before[row] = past
        self.mask = None if self.causal else _mask(past, before, self.width, self.length, groups, cache)

    def attend(self, layer: int, q: torch.Tensor, scale: float) -> torch.Tensor:
        """q [tokens, heads, d] -> [tokens, heads, d]."""
        heads, d = q.shape[1:]
        groups, dtype = heads // self.home.kv.shape[4], self.home.kv.dtype
        cells = q if self.place is None else q.new_zeros(self.rows * self.width, heads, d).index_copy_(0, self.place, q)
        kv = self.home.kv[layer, :, self.span, : self.length]
        if self.slots is not None:
            kv = kv.index_select(1, self.slots)
        keys, values = kv.transpose(2, 3)  # [rows, kv heads, length, d]
        asked = cells.to(dtype).view(self.rows, self.width, -1, groups, d).permute(0, 2, 1, 3, 4)  # [rows, kv heads, width, groups, d]
        if self.causal:
            asked = asked.transpose(2, 3).flatten(1, 2)
            out = F.scaled_dot_product_attention(asked, repeat(keys, groups), repeat(values, groups), is_causal=True, scale=scale)
            out = out.transpose(1, 2)
        else:
            out = F.scaled_dot_product_attention(asked.flatten(2, 3), keys, values, attn_mask=self.mask, scale=scale)
            out = out.unflatten(2, (self.width, groups)).transpose(1, 2)
        out = out.reshape(-1, heads, d)
        return (out if self.place is None else out.index_select(0, self.place)).to(q.dtype)


def _mask(past: np.ndarray, before: np.ndarray, width: int, length: int, groups: int, cache: Cache) -> torch.Tensor | None:
    """Query i of a row sees keys up to past + i: additive [rows or 1, 1, width * groups, length]; None where every key counts."""
    if (past == past[0]).all():
        if width == 1:
            return None
        before = past[:1]
    last = torch.from_numpy(before).to(cache.device)[:, None] + torch.arange(width, device=cache.device)
    hidden = torch.arange(length, device=cache.device) > last.repeat_interleave(groups, 1)[:, None, :, None]
    return torch.zeros(hidden.shape, dtype=cache.dtype, device=cache.device).masked_fill_(hidden, -torch.inf)


def _bucket(past: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Rows of one bucket share a call: first readings apart from later ones, and lengths 1, 2, 3..4, 5..8, ... apart."""
    first = (past == 0) & (new > 1)
    return 2 * np.ceil(np.log2(new)).astype(np.int64) + first


def _narrow(block: np.ndarray, slot: np.ndarray, past: np.ndarray, new: np.ndarray, groups: int) -> tuple[np.ndarray, ...]:
    """Cut rows whose own mask would be too large into successive pieces of the same slot; keys are written before any piece reads."""
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
