"""How fast episodes are trained on: each read once, packed, against the usual one sample per turn.

Both sides take the same gradient: the log-probability of every agent token given all that stands before it in its
episode, divided by the number of agent tokens. The usual way makes a sample of every turn (the whole history as
prompt, the turn's reply as label), pads samples of a shuffled batch to the longest, and runs the model as it comes.
Here an episode is one row, and rows go through without padding.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from turnwise.core.chance import generator
from turnwise.learn.sequences import Row, Span
from turnwise.learn.weights.lots import lots_of, say
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.models.load import load_policy
from turnwise.models.policy import Policy


def bench_train(
    turns: int = 32,
    episodes: int = 16,
    agent_tokens: int = 4,
    world_tokens: int = 12,
    model: str = "scratch:micro",
    batch_tokens: int = 16384,
    repeats: int = 3,
    seed: int = 0,
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> dict[str, Any]:
    """Seconds and agent tokens per second of both sides, taken in turn in one run; medians over repeats.

    Returns:
        `ratio` (packed over usual), `gradient_gap` (largest relative difference of the two gradients), `useful_share`
        (real tokens over tokens computed, padding inside attention included) and both sides' figures.
    """
    policy = load_policy(model, seed=seed, device=device, dtype=dtype)
    rows = synthetic_rows(policy, episodes, turns, agent_tokens, world_tokens, seed)
    samples = samples_of(rows)
    plain = copy.deepcopy(policy)
    plain.causal.set_attn_implementation("sdpa")
    order = generator(seed, "bench train").permutation(len(samples))
    count = sum(int(row.loss.sum()) for row in rows)
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(timed(policy, lambda: packed_pass(policy, rows, count, batch_tokens)))
        theirs.append(timed(plain, lambda: usual_pass(plain, [samples[i] for i in order], count, batch_tokens)))
    packed, usual = statistics.median(ours), statistics.median(theirs)
    return {
        "bench": "train",
        "model": model,
        "turns": turns,
        "episodes": episodes,
        "agent_tokens": count,
        "packed_seconds": packed,
        "usual_seconds": usual,
        "packed_tokens_per_second": count / packed,
        "usual_tokens_per_second": count / usual,
        "ratio": usual / packed,
        "gradient_gap": gradient_gap(policy, plain, rows, samples, count, batch_tokens),
        "useful_share": useful_share(policy, rows, batch_tokens),
        "threads": torch.get_num_threads(),
        "device": str(policy.device),
    }


def synthetic_rows(policy: Policy, episodes: int, turns: int, agent: int, world: int, seed: int) -> list[Row]:
    """Episodes of random ids: `turns` times a world turn and an agent turn."""
    rng = generator(seed, "bench rows")
    rows = []
    for number in range(episodes):
        ids = rng.integers(policy.vocabulary, size=turns * (agent + world)).astype(np.int32)
        loss = np.tile(np.arange(agent + world) >= world, turns)
        spans = tuple(Span(t, t * (agent + world) + world, (t + 1) * (agent + world)) for t in range(turns))
        rows.append(Row(number, 0, ids, loss, np.zeros(len(ids), np.float32), spans))
    return rows


def samples_of(rows: Sequence[Row]) -> list[tuple[np.ndarray, int]]:
    """One sample per turn: all ids up to the end of its reply, and where the reply begins."""
    return [(row.ids[: span.end], span.start) for row in rows for span in row.spans]


def packed_pass(policy: Policy, rows: Sequence[Row], count: int, batch_tokens: int) -> None:
    """Gradient of the batch, rows packed."""
    for lot in lots_of(rows, range(len(rows)), batch_tokens, None, policy.device):
        (-say(policy, lot).logp.sum() / count).backward()


def usual_pass(policy: Policy, samples: Sequence[tuple[np.ndarray, int]], count: int, batch_tokens: int) -> None:
    """Gradient of the batch, one right-padded sample per turn, as many samples at once as the token budget allows."""
    longest = max(len(ids) for ids, _ in samples)
    size = max(1, batch_tokens // longest)
    for first in range(0, len(samples), size):
        part = samples[first : first + size]
        width = max(len(ids) for ids, _ in part)
        ids = torch.zeros(len(part), width, dtype=torch.long)
        seen, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for place, (one, start) in enumerate(part):
            own = torch.from_numpy(one.astype(np.int64))
            ids[place, : len(one)], seen[place, : len(one)] = own, 1
            labels[place, start : len(one)] = own[start:]
        ids, seen, labels = (x.to(policy.device) for x in (ids, seen, labels))
        logits = policy.causal(input_ids=ids, attention_mask=seen, use_cache=False).logits[:, :-1].float()
        total = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")
        (total / count).backward()


def timed(policy: Policy, run: Any) -> float:
    """Seconds of a pass and its optimiser step."""
    optimiser = Optimiser(policy, lr=0.0)
    if policy.device.type == "cuda":
        torch.cuda.synchronize()
    begun = time.perf_counter()
    run()
    optimiser.step()
    if policy.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def gradient_gap(
    policy: Policy, plain: Policy, rows: Sequence[Row], samples: Sequence[Any], count: int, batch_tokens: int
) -> float:
    """Norm of the difference of the two gradients over the norm of one: both sides do the same work."""
    packed_pass(policy, rows, count, batch_tokens)
    usual_pass(plain, samples, count, batch_tokens)
    pairs = [
        (a.grad, b.grad) for a, b in zip(policy.parameters(), plain.parameters(), strict=True) if a.grad is not None
    ]
    apart = sum(float((a - b).pow(2).sum()) for a, b in pairs if a is not None and b is not None) ** 0.5
    size = sum(float(a.pow(2).sum()) for a, _ in pairs if a is not None) ** 0.5
    for module in (policy, plain):
        module.zero_grad(set_to_none=True)
    return apart / size


def useful_share(policy: Policy, rows: Sequence[Row], batch_tokens: int) -> float:
    """Real tokens over the tokens attention computes; outside attention the share is 1."""
    from turnwise.models.ragged import Packed

    real = computed = 0
    for lot in lots_of(rows, range(len(rows)), batch_tokens, None, policy.device):
        real += sum(lot.lengths)
        computed += sum(count * width for _, count, width in Packed(lot.lengths, policy.device).calls_of)
    return real / computed
