"""What a budget on interaction buys at test time: answers asked for and acts allowed, against accuracy, flips and cost,
in search-rooms with few and many decoys (specs/plan/tti-budget).

turnwise bench budget --store      writes budget.json beside this file
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from turnwise.api.evaluating import evaluate_seated, take_seat
from turnwise.api.evaluation import Evaluation, per_task
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.measure.attempts import Attempts, attempts
from turnwise.measure.paired import paired_difference
from turnwise.worlds.rechecked import Rechecked

EVIDENCE = Path(__file__).with_name("budget.json")
WORLD, AGENTS = "search-rooms", ("script:hasty", "script:wavering", "script:thorough")
DECOYS, ATTEMPTS, STEPS = (0.0, 0.3, 0.6), (1, 2, 3, 4), (10, 20, 30, 40)


def bench_budget(
    agents: Sequence[str] = AGENTS,
    decoys: Sequence[float] = DECOYS,
    asked: Sequence[int] = ATTEMPTS,
    steps: Sequence[int] = STEPS,
    episodes: int = 192,
    seed: int = 0,
    watch: Callable[[str, float], None] = lambda what, share: None,
) -> dict[str, Any]:
    """Every agent with every budget, on the same tasks with the same draws.

    Args:
        agents: specs, as `turnwise evaluate` takes them.
        decoys: settings of search-rooms.
        asked: answers before one is taken.
        steps: caps on acts.
        episodes: of each cell.

    Returns:
        {bench, world, seed, episodes, cells: [{agent, decoys, attempts, steps, and each figure of `Attempts` as
        [value, low, high]}], gains: see `gains_of`}.
    """
    found: dict[tuple[str, float, int, int], Evaluation] = {}
    places = list(product(agents, decoys, steps, asked))
    for number, (agent, rate, most, wanted) in enumerate(places):
        watch(f"{agent}, decoys {rate:g}, {wanted} answers, {most} acts", number / len(places))
        place = take_seat(agent, WORLD, {"decoys": rate}, seed=seed)
        budget = Rechecked(place.world, wanted, most)
        found[agent, rate, most, wanted] = evaluate_seated(replace(place, world=budget), episodes=episodes, seed=seed)
    cells = [
        {"agent": agent, "decoys": rate, "attempts": wanted, "steps": most, **told(attempts(one.episodes))}
        for (agent, rate, most, wanted), one in found.items()
    ]
    return {
        "bench": "budget",
        "world": WORLD,
        "seed": seed,
        "episodes": episodes,
        "cells": cells,
        "gains": gains_of(found),
    }


def told(figures: Attempts) -> dict[str, list[float | None]]:
    """Each figure with its interval, to four places."""
    return {
        field.name: [None if n is None else round(n, 4) for n in (one.value, one.low, one.high)]
        for field in fields(figures)
        for one in (getattr(figures, field.name),)
    }


def gains_of(found: Mapping[tuple[str, float, int, int], Evaluation]) -> list[dict[str, Any]]:
    """What each further answer adds to accuracy, paired by task: [{agent, decoys, steps, attempts, difference, low,
    high}], `attempts` against the next smaller number that was asked for; without ends where nothing differs.
    """
    gains = []
    for (agent, rate, most, wanted), one in found.items():
        fewer = [n for a, r, m, n in found if (a, r, m) == (agent, rate, most) and n < wanted]
        if fewer:
            before = found[agent, rate, most, max(fewer)]
            rng = generator("bench budget", agent, rate, most, wanted)
            gained = paired_difference(per_task([one]), per_task([before]), rng=rng)
            gains.append({"agent": agent, "decoys": rate, "steps": most, "attempts": wanted,
                          "difference": gained.difference, "low": gained.low, "high": gained.high})  # fmt: skip
    return gains


def store(found: Mapping[str, Any], place: Path = EVIDENCE) -> Path:
    """Keep what was found."""
    place.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return place


def evidence(place: Path = EVIDENCE) -> dict[str, Any]:
    """What was kept.

    Raises:
        TurnwiseError: nothing was.
    """
    if not place.is_file():
        raise TurnwiseError(f"no {place.name}", "the figures of the benchmark", "turnwise bench budget --store")
    return json.loads(place.read_text("utf-8"))
