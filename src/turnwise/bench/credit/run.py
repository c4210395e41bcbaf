"""The benchmark itself: worlds, policies and replicates in, figures out."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np

from turnwise.bench.credit.estimators import continued
from turnwise.bench.credit.rules import rows_of
from turnwise.bench.credit.sampling import Play, play
from turnwise.bench.credit.scene import Scene
from turnwise.bench.credit.statistics import Scores, score
from turnwise.bench.credit.summary import Summary, summarise
from turnwise.bench.credit.training import COURSES, training_check
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.measure.estimate import Estimate
from turnwise.worlds.tabular import Tabular, Values, mixed, solve

WORLDS = ("key-corridor", "work-submit", "loop-grid", "bit-search")
"""The worlds of the sheet."""
OTHERS = ("hidden-type", "work-stop", "spelled")
"""Worlds of the same kind, without reference figures."""
SPARSE = ("bit-naming",)
"""Worlds in which nearly every group fails as a whole: for the training check."""
POLICIES = {"uniform": 0.0, "mid": 0.4, "good": 0.7}
"""Share of each policy that takes the best actions; the rest is uniform."""
GROUPS, MEMBERS = 64, 8
"""Of each replicate's episodes."""
FEWEST = 4
"""Replicates: the even and the odd ones are compared, and one of them is left out."""

Watch = Callable[[str, float], None]
"""Told what is under way, and which share of everything is done."""


def problem_of(world: str) -> Tabular:
    """A world as arrays, by its name."""
    if world not in WORLDS + OTHERS + SPARSE:
        raise UnknownName("world of the credit benchmark", world, WORLDS + OTHERS + SPARSE)
    return importlib.import_module(f"turnwise.worlds.{world.replace('-', '_')}_rules").problem()


def bench_credit(
    worlds: Sequence[str] = WORLDS,
    policies: Sequence[str] = ("mid",),
    replicates: int = 20,
    seed: int = 0,
    rules: Sequence[str] = (),
    watch: Watch = lambda what, share: None,
) -> dict[str, Any]:
    """Every rule against the exact advantage.

    Args:
        worlds: names from WORLDS, OTHERS and SPARSE.
        policies: names from POLICIES.
        replicates: batches of 512 episodes; an even number of at least 4.
        rules: names of rows; none: all that fit a world.

    Returns:
        {bench, seed, replicates, episodes, worlds: {world: {policy: {value, truth_check, rules: {row: {statistic:
        [value, half width] or null}}}}}}; half widths are 1.96 standard errors.
    """
    if replicates < FEWEST:
        raise TurnwiseError(f"{replicates} replicates", f"{FEWEST} or more", "20 is what the reference figures use")
    found: dict[str, Any] = {}
    for number, world in enumerate(worlds):
        problem, found[world] = problem_of(world), {}
        for which, policy in enumerate(policies):

            def told(share: float, first: float = number + which / len(policies), name: str = world) -> None:
                watch(name, (first + share / len(policies)) / len(worlds))

            found[world][policy] = bench_policy(problem, policy, replicates, seed, rules, told)
    return {
        "bench": "credit",
        "seed": seed,
        "replicates": replicates,
        "episodes": GROUPS * MEMBERS,
        "worlds": found,
    }


def bench_training(
    worlds: Sequence[str] = WORLDS,
    rules: Sequence[str] = (),
    seed: int = 0,
    watch: Watch = lambda what, share: None,
) -> dict[str, Any]:
    """The training check in those worlds that have a course: {world: {row: see `training_check`}}."""
    found = {}
    for world in worlds:
        if world in COURSES:
            told = partial(watch, f"training in {world}")
            found[world] = training_check(problem_of(world), rules, seed, told=told)
    return found


def bench_policy(
    problem: Tabular, policy: str, replicates: int, seed: int, rules: Sequence[str], told: Callable[[float], None]
) -> dict[str, Any]:
    """One world under one policy."""
    values, key = solve(problem, mixed(problem, POLICIES[policy])), (seed, "bench credit", problem.name, policy)
    scores = scored(problem, values, replicates, key, rules, told)
    return {
        "value": [float(one) for one in problem.start @ values.v],
        "truth_check": truth_check(problem, values, generator(*key, "truth check")),
        "rules": {name: document(summarise(ones, problem, values)) for name, ones in scores.items()},
    }


def scored(
    problem: Tabular,
    values: Values,
    replicates: int,
    key: tuple[Any, ...],
    rules: Sequence[str],
    told: Callable[[float], None],
) -> dict[str, list[Scores]]:
    """Every row on every replicate, all rows on the same episodes; `key` is of their chance."""
    rows = rows_of(problem, rules)
    scores: dict[str, list[Scores]] = {row.name: [] for row in rows}
    for replicate in range(replicates):
        told(replicate / replicates)
        scene = Scene(
            batch(problem, values, *key, replicate, "episodes"),
            values,
            partial(batch, problem, values, *key, replicate, "other episodes"),
            generator(*key, replicate, "continuations"),
        )
        for row in rows:
            credit_T = row.credit(scene)
            scores[row.name].append(score(scene.played, values, credit_T, scene.meter))
    return scores


def batch(problem: Tabular, values: Values, *key: Any) -> Play:
    """512 episodes of their own chance."""
    return play(problem, values.policy, GROUPS, MEMBERS, generator(*key))


def truth_check(problem: Tabular, values: Values, rng: np.random.Generator, pairs: int = 50, count: int = 256) -> float:
    """Share of random (state, action) whose exact value lies within 3 standard errors of the mean of continuations."""
    at = rng.integers(values.q.size, size=pairs)
    states, actions = np.divmod(at, values.q.shape[1])
    returns, _ = continued(problem, values.policy, states, count, rng, actions)
    truth, variance = values.q[states, actions], returns.var(1, ddof=1)
    rare = np.clip(truth * (1.0 - truth), 0.0, None)  # variance of a 0/1 outcome: where no continuation succeeded
    error = np.sqrt(np.maximum(variance, rare) / count)
    return float((np.abs(returns.mean(1) - truth) <= 3.0 * error + 1e-12).mean())


def document(summary: Summary) -> dict[str, list[float] | None]:
    """A row's figures: value and half width."""
    return {field.name: figure(getattr(summary, field.name)) for field in fields(summary)}


def figure(found: Estimate) -> list[float] | None:
    """Five places are more than any interval leaves; None where nothing can be said."""
    if found.value is None or math.isnan(found.value):
        return None
    return [round(found.value, 5), round(found.half_width or 0.0, 5)]
