"""Theorems that are conjunctions of hard goals: a planner with a shared cache of facts against plain search, at as many
nodes and provers (specs/learn/bfs_prover_v2).

turnwise bench planner --store      writes planner.json beside this file
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnwise.api.evaluating import Seating, take_seat
from turnwise.core.chance import generator
from turnwise.explore import Table
from turnwise.explore.subgoals import ByParts, TableProvers
from turnwise.measure.paired import paired_difference
from turnwise.plan.subgoals import Facts, Outcome, Proving
from turnwise.worlds.step_proving import StepProving
from turnwise.worlds.step_proving_plan import holds, name, parts, with_lemmas
from turnwise.worlds.step_proving_rules import Goal, goal_of, goal_text

EVIDENCE = Path(__file__).with_name("planner.json")
HARD = {"depth": 8, "conjoined": 3, "max_steps": 60}
"""The theorems: three goals each, with steps enough for all of them."""


@dataclass(frozen=True)
class Budget:
    """What each theorem gets, with a planner and without."""

    nodes: int = 240  # places expanded, over all provers
    patience: int = 120  # of one goal, before the planner is asked again
    together: int = 2  # provers at work on a goal
    width: int = 3  # replies asked for at a place


def bench_planner(
    agent: str = "script:novice", theorems: int = 48, budget: Budget | None = None, seed: int = 0
) -> dict[str, Any]:
    """Both arms on the same theorems.

    Args:
        agent: who proves: `script:NAME`, `run:DIR` or another spec.
        theorems: how many.
        seed: names the luck of the provers.

    Returns:
        Per arm the share of theorems proved, what was spent and the hits of the cache; their paired difference with a
        95% interval; and how many only one of the arms proved.
    """
    budget = budget or Budget()
    place = take_seat(agent, StepProving.name, HARD, seed=seed)
    tasks = place.world.tasks("eval")[:theorems]
    goals = [goal_of(task.params["theorem"]) for task in tasks]
    found = {arm: Arm.of(place, goals, budget, arm == "planner", seed) for arm in ("planner", "plain")}
    scores: list[Mapping[Hashable, list[float | None]]] = [
        {task.key: [float(one)] for task, one in zip(tasks, arm.proved, strict=True)} for arm in found.values()
    ]
    apart = paired_difference(scores[0], scores[1], rng=generator(seed, "bench planner"))
    both = list(zip(found["planner"].proved, found["plain"].proved, strict=True))
    return {
        "bench": "planner",
        "agent": agent,
        "seed": seed,
        "theorems": len(goals),
        "budget": vars(budget),
        **{arm: of.as_json() for arm, of in found.items()},
        "only_planner": sum(one and not other for one, other in both),
        "only_plain": sum(other and not one for one, other in both),
        "difference": {"value": apart.difference, "low": apart.low, "high": apart.high},
        "held": (apart.low or 0.0) > 0.0,
    }


@dataclass(frozen=True)
class Arm:
    """What came of all theorems."""

    outcomes: list[Outcome[Goal]]
    facts: Facts[Goal]

    @classmethod
    def of(cls, place: Seating, goals: list[Goal], budget: Budget, planned: bool, seed: int) -> Arm:
        """Prove them at once, with facts that all share."""
        world = place.world
        assert isinstance(world, StepProving)
        table = Table(world, {"agent": place.seated.agent}, seed, "prove", drive=place.seated.drive)

        def task_of(goal: Goal, lemmas: Any) -> Any:
            text = goal_text(with_lemmas(goal, lemmas))
            return world.task(text, text)

        provers, facts = TableProvers(table, task_of, name, budget.width), Facts[Goal]()
        planner = ByParts(parts) if planned else None
        work = [
            Proving(provers, facts, planner, budget.nodes, budget.patience, budget.together).prove(goal)
            for goal in goals
        ]
        return cls(table.drive(work), facts)

    @property
    def proved(self) -> list[bool]:
        """Per theorem, whether there is a proof that holds from the start."""
        return [one.fact is not None and holds(one.fact) for one in self.outcomes]

    def as_json(self) -> dict[str, Any]:
        """Numbers, JSON values."""
        return {
            "proved": sum(self.proved) / len(self.outcomes),
            "nodes": sum(one.nodes for one in self.outcomes),
            "facts": len(self.facts.held),
            "hits": self.facts.hits,
            "planned_again": sum(max(0, one.plans - 1) for one in self.outcomes),
        }


def store(found: Mapping[str, Any], place: Path = EVIDENCE) -> Path:
    """Keep what was found."""
    place.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return place
