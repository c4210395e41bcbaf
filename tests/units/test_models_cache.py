"""Slots: taken, outgrown, copied, given back; and their memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from turnwise.models.cache import SMALLEST, Cache
from turnwise.models.cached import Cached
from turnwise.models.ragged import Packed


@dataclass
class Place:
    block: int = -1
    slot: int = -1


def small() -> Cache:
    return Cache(layers=1, kv_heads=2, width=8, dtype=torch.float32)


def test_many_short_lines_beside_a_long_one_cost_what_they_hold():
    cache, token = small(), 2 * 2 * 8 * 4
    cache.take(20, 10_000)
    cache.take(5000)
    assert cache.bytes_held < 1.1 * token * (10_000 * SMALLEST + 8 * 8192)


def test_slots_are_neighbours_and_are_used_again():
    cache = small()
    blocks, slots = cache.take(10, 8)
    assert len(set(blocks.tolist())) == 1 and slots.tolist() == list(range(8))
    for slot in (5, 2):
        cache.give(0, slot)
    assert cache.take(10, 2)[1].tolist() == [2, 5]


def test_trim_lets_go_of_blocks_without_lines():
    cache = small()
    block, slot = cache.take(10)
    kept = cache.take(100)
    cache.give(int(block[0]), int(slot[0]))
    held = cache.bytes_held
    cache.trim()
    assert 0 < cache.bytes_held < held and cache.capacity.tolist() == [0, 128]
    assert int(cache.take(10)[0][0]) == 0 and int(kept[0][0]) == 1


def test_growing_carries_the_past_over():
    cache, places = small(), [Place() for _ in range(3)]
    cache.grow(places, np.zeros(3, np.int64), np.array([20, 20, 20]))
    marks = torch.arange(3.0)
    for place, mark in zip(places, marks, strict=True):
        cache.at(place.block).kv[:, :, place.slot, :20] = mark + 1
    cache.grow(places[1:], np.array([20, 20]), np.array([40, 200]))
    assert [int(cache.capacity[p.block]) for p in places] == [32, 64, 256]
    for place, mark in zip(places, marks, strict=True):
        assert (cache.at(place.block).kv[:, :, place.slot, :20] == mark + 1).all()
    assert cache.at(0).free[0] == 1


@pytest.mark.parametrize("apart", [1, 2, 5])
@torch.no_grad()
def test_attention_over_slots_is_causal_attention_over_rows(apart):
    """Rows read in uneven pieces, from neighbouring or scattered slots, as one causal call over each whole
    row.
    """
    rng, cache = torch.Generator().manual_seed(apart), small()
    lengths = np.array([7, 33, 12, 33, 1])
    _, slots = cache.take(64, len(lengths) * apart)
    slot = slots[::apart]
    q, k, v = (torch.randn(int(lengths.sum()), heads, 8, generator=rng) for heads in (6, 2, 2))
    whole = Packed(lengths.tolist()).attend(0, q, k, v, 0.3, 0.0)
    starts, past, out = np.cumsum(lengths) - lengths, np.zeros(5, np.int64), torch.empty_like(whole)
    for share in (0.3, 0.5, 0.9, 1.0):
        new = np.ceil(lengths * share).astype(np.int64) - past
        rows = np.flatnonzero(new)
        order = rows[Cached.order(np.zeros(len(rows), np.int64), slot[rows], past[rows], new[rows])]
        plan = Cached(cache, np.zeros(len(order), np.int64), slot[order], past[order], new[order], 3)
        flat = np.concatenate([np.arange(starts[r] + past[r], starts[r] + past[r] + new[r]) for r in order])
        out[flat] = plan.attend(0, q[flat], k[flat], v[flat], 0.3, 0.0)
        past = past + new
    assert torch.allclose(out, whole, atol=1e-5)


@torch.no_grad()
def test_a_mask_too_large_is_cut_without_changing_anything(monkeypatch):
    rng, cache = torch.Generator().manual_seed(0), small()
    block, slot = cache.take(64, 2)
    q, k, v = (torch.randn(100, heads, 8, generator=rng) for heads in (4, 2, 2))
    found = []
    for limit in (1 << 24, 300):
        monkeypatch.setattr("turnwise.models.cached.MASK_NUMBERS", limit)
        for past, new in ((0, 10), (10, 40)):
            plan = Cached(cache, block, slot, np.full(2, past), np.full(2, new), 2)
            out = plan.attend(0, q[: 2 * new], k[: 2 * new], v[: 2 * new], 0.3, 0.0)
        found.append((out, len(plan.groups)))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-5) and found[0][1] == 1 < found[1][1]
