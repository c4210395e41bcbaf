"""How much memory many live episodes take: all of them begun, none over, each with its own cache, world and record."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import torch

from turnwise.agents.plain import PlainAgent
from turnwise.agents.spec import corpus
from turnwise.core.cursor import Limits
from turnwise.core.types import Episode
from turnwise.explore import Independent, Table
from turnwise.models.engine import Engine
from turnwise.models.load import load_policy
from turnwise.models.sampling import Sampling
from turnwise.worlds import make


def bench_live(
    episodes: int = 10_000, turns: int = 4, world: str = "maze", model: str = "scratch:nano", seed: int = 0
) -> dict[str, Any]:
    """Play `turns` turns of all episodes at once and read the process's peak memory.

    Args:
        episodes: all live together; none is begun late, so every line holds a cache at the same time.
        turns: after which every episode is cut, before the world ends it.

    Returns:
        `peak_gb` of the whole process (10^9 bytes, the interpreter and torch included), `lines_gb` of it after the
        model was loaded, seconds, and how many episodes were cut alive.
    """
    played = make(world)
    policy = load_policy(model, seed=seed, corpus=corpus(played, seed))
    engine = Engine(policy)
    table = Table(played, {"agent": PlainAgent(engine, Sampling(max_new=8))}, seed, "bench", limits=Limits(turns=turns))
    table.drive = engine.run
    tasks = played.tasks("train")
    before, begun = peak_gb(), time.perf_counter()
    done: list[Episode] = table.collect(Independent(), [tasks[i % len(tasks)] for i in range(episodes)])
    return {
        "bench": "live",
        "world": world,
        "model": model,
        "episodes": episodes,
        "turns": turns,
        "cut_alive": sum(leaf.end.value == "turns" for e in done for leaf in e.ends),
        "peak_gb": peak_gb(),
        "lines_gb": peak_gb() - before,
        "seconds": time.perf_counter() - begun,
        "threads": torch.get_num_threads(),
    }


def peak_gb() -> float:
    """Largest resident memory of this process so far, 10^9 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
