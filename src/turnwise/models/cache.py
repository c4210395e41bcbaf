"""Keys and values of live lines, kept across turns in slots of a few sizes.

A line lies in a slot of a block; a block holds slots of one capacity for all layers. A line that outgrows its
slot moves to the next capacity (twice as large), so memory stays within about twice of what is held, and ten
thousand short lines beside one long one cost what they hold.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

SMALLEST = 32  # tokens of the smallest slot


@dataclass(slots=True)
class Block:
    """Slots of one capacity."""

    kv: torch.Tensor  # [layers, 2, slots, capacity, kv heads, head width]
    free: list[int] = field(default_factory=list)  # a heap: the lowest goes first, so those in use stay together

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
        self.layers, self.kv_heads, self.width, self.dtype, self.device = (
            layers,
            kv_heads,
            width,
            dtype,
            device,
        )
        self.blocks: list[Block | None] = []
        self.capacity = np.zeros(0, np.int64)  # of each block, in tokens; 0 where there is none

    @property
    def bytes_held(self) -> int:
        """Bytes of all blocks, free slots included."""
        return sum(b.kv.nbytes for b in self.blocks if b is not None)

    def take(self, tokens: int, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Slots for `tokens` each, neighbours where possible: block and slot numbers, int64 [count]."""
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
        """Give each line a slot for `needed` tokens, and carry over those `held`.

        Args:
            lines: anything with `block` (-1: none yet) and `slot`.
            held, needed: tokens, int64 [lines].
        """
        sizes = _capacity(needed)
        for size in np.unique(sizes):
            chosen = np.flatnonzero(sizes == size)
            old = np.array([(lines[i].block, lines[i].slot) for i in chosen.tolist()], np.int64)
            order = np.lexsort(old.T[::-1])  # neighbours stay neighbours
            chosen, old = chosen[order], old[order]
            blocks, slots = self.take(int(size), len(chosen))
            moved = old[:, 0] >= 0
            self.copy(old[moved, 0], old[moved, 1], blocks[moved], slots[moved], held[chosen[moved]])
            for i, block, slot in zip(chosen.tolist(), blocks.tolist(), slots.tolist(), strict=True):
                if lines[i].block >= 0:
                    self.give(lines[i].block, lines[i].slot)
                lines[i].block, lines[i].slot = block, slot

    def copy(
        self,
        blocks: np.ndarray,
        slots: np.ndarray,
        to_blocks: np.ndarray,
        to_slots: np.ndarray,
        lengths: np.ndarray,
    ) -> None:
        """Copy whole lines from slots to slots: arrays [lines]."""
        for b in np.unique(blocks):
            for t in np.unique(to_blocks[blocks == b]):
                both = (blocks == b) & (to_blocks == t)
                most = int(lengths[both].max())
                source, target = self.at(b).kv[:, :, :, :most], self.at(t).kv[:, :, :, :most]
                old, new = (
                    torch.from_numpy(slots[both]).to(self.device),
                    torch.from_numpy(to_slots[both]).to(self.device),
                )
                with torch.inference_mode():
                    for layer in range(self.layers):
                        for part in range(2):
                            target[layer, part].index_copy_(0, new, source[layer, part].index_select(0, old))

    def _add(self, capacity: int, slots: int) -> int:
        """A new block, in the first unused number."""
        kv = torch.zeros(
            self.layers, 2, slots, capacity, self.kv_heads, self.width, dtype=self.dtype, device=self.device
        )
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
