"""What branching costs: seconds per new token of trees that fork, over those of as many rollouts from the prompt.

Both sides play the same conversations with the same weights, in turn in one run: a world turn brings 12 tokens, an
agent turn samples 1 to 16, since a quarter of the vocabulary ends it. A branch forks the cache of its trunk, so its
past is not read again; in exchange the paths of a task wait for one another while budget is left.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import torch

from turnwise.agents.plain import PlainAgent
from turnwise.bench.rollout import Prompter, said_by_world, words
from turnwise.core.protocols import Explorer
from turnwise.core.types import Task
from turnwise.explore import Branching, Grouped, Table
from turnwise.models.engine import Engine
from turnwise.models.load import load_policy
from turnwise.models.policy import Policy
from turnwise.models.sampling import Sampling

LONGEST = 16  # tokens of a reply


def bench_branching(
    turns: int = 32, episodes: int = 256, model: str = "scratch:micro", repeats: int = 3, seed: int = 0, paths: int = 8
) -> dict[str, Any]:
    """Seconds per new token of both sides; medians over repeats.

    Args:
        turns: of a path.
        episodes: paths on each side; all are live at once.
        paths: of each task; half of them begin at the prompt where they branch.

    Returns:
        `ratio` (branching over plain, per new token, within a repeat; to stay below 1.15), per side microseconds per
        new token, new tokens, tokens read, and turns played.
    """
    policy = load_policy(model, seed=seed, corpus=words(seed))
    tasks = max(1, episodes // paths)
    texts = said_by_world(policy, 1, turns, seed)[0].tolist()
    sides: dict[str, Explorer] = {
        "plain": Grouped(paths),
        "branching": Branching(paths, max(1, paths // 2), nats=float(np.log(policy.vocabulary))),
    }
    played(policy, texts[:2], sides["branching"], 2, seed)
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, explorer in sides.items():
            runs[side].append(played(policy, texts, explorer, tasks, seed))
    middle = {side: statistics.median(run["per_token"] for run in found) for side, found in runs.items()}
    return {
        "bench": "branching",
        "model": model,
        "turns": turns,
        "paths": tasks * paths,
        "ratio": statistics.median(b["per_token"] / a["per_token"] for a, b in zip(*runs.values(), strict=True)),
        **{f"{side}_microseconds": 1e6 * took for side, took in middle.items()},
        **{f"{side}_{what}": runs[side][0][what] for side in sides for what in ("written", "read", "played")},
        "threads": torch.get_num_threads(),
    }


def played(policy: Policy, texts: list[str], explorer: Explorer, tasks: int, seed: int) -> dict[str, float]:
    """Seconds per new token of one side, its tokens and turns."""
    engine = Engine(policy)
    agent = PlainAgent(engine, Sampling())
    agent.sampling = Sampling(max_new=LONGEST, stop_ids=tuple(range(policy.vocabulary // 4)))
    world = Prompter(texts, len(texts))
    table = Table(world, {"agent": agent}, seed, "bench", drive=engine.run)
    begun = time.perf_counter()
    trees = table.collect(explorer, [Task(str(number), world.name) for number in range(tasks)])
    took = time.perf_counter() - begun
    counts = engine.counters
    return {
        "per_token": took / counts.written,
        "written": counts.written,
        "read": counts.read,
        "played": sum(len(tree.turns) for tree in trees),
    }
