"""What a comparison found: arms on the same tasks, and what can be said about each pair.

Two questions are kept apart. Do these trained agents differ? Tasks answer that: differences are paired by task and
seed and clustered by task. Do the recipes differ? Seeds answer that: another seed would have trained other agents, so
the differences of the seeds are tested too. An order is claimed where both say so (with one seed, of the agents alone).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from turnwise.api.evaluation import Evaluation, per_task
from turnwise.api.runs import Run, difference_json
from turnwise.core.chance import generator
from turnwise.measure.curves import COSTS, Curve, curve_of, equal
from turnwise.measure.estimate import Estimate
from turnwise.measure.holm import holm
from turnwise.measure.intervals import success_rate, task_mean
from turnwise.measure.paired import PairedDifference, paired_difference
from turnwise.measure.planning import tasks_needed
from turnwise.measure.ranking import Pair, Ranking, rank
from turnwise.measure.rounds import as_json

LEVEL = 0.95


@dataclass(frozen=True)
class Arm:
    """One of what is compared: a recipe with its runs, or an agent that was trained elsewhere or not at all."""

    name: str
    evaluations: tuple[Evaluation, ...]  # one per seed
    runs: tuple[Run, ...] = ()  # one per seed; none for an agent

    @cached_property
    def cost(self) -> dict[str, float] | None:
        """Mean cost of a run, None for an agent that was not trained here."""
        costs = [run.cost() for run in self.runs]
        return {name: float(np.mean([c[name] for c in costs])) for name in costs[0]} if costs else None


@dataclass(frozen=True)
class Verdict:
    """What can be said about two arms."""

    pair: Pair  # over tasks
    seeds: PairedDifference  # over seeds: each seed's mean difference is one draw
    seeds_p: float | None  # t test over seeds, Holm over all pairs; None where there is nothing to go by
    seeds_needed: int | None  # seeds that would decide it if the difference seen is the true one; None where decided

    @property
    def above(self) -> str | None:
        """The arm that is above the other, over tasks and (with two seeds or more) over seeds; None in the noise."""
        return self.pair.above if self.seeds_agree else None

    @property
    def seeds_agree(self) -> bool:
        """Whether the seeds say so too: one seed has no say, and seeds that all differ by the same leave no doubt."""
        if self.seeds.clusters < 2 or (self.seeds_p is None and self.seeds.discordant):
            return True
        return self.seeds_p is not None and self.seeds_p <= 1 - LEVEL


@dataclass(frozen=True)
class Comparison:
    """Arms on the same tasks."""

    out: Path
    by: str  # success or return
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    complete: bool  # False: somebody asked to stop; the same call goes on

    @cached_property
    def ranking(self) -> Ranking:
        """Every pair, paired by (task, seed), clustered by task, corrected by Holm."""
        scores = {arm.name: per_task(arm.evaluations, self.by) for arm in self.arms}
        clusters: dict[Hashable, Hashable] = {
            (t, e.seed): t for arm in self.arms for e in arm.evaluations for t in e.tasks
        }
        return rank(scores, rng=generator(*self.seeds, "compare"), clusters=clusters, level=LEVEL)

    def estimate(self, arm: Arm) -> Estimate:
        """Mean over tasks, all seeds of a task together."""
        tasks: list[Hashable] = [task for e in arm.evaluations for task in e.tasks]
        if self.by == "success":
            return success_rate([score for e in arm.evaluations for score in e.scores], tasks)
        return task_mean([episode.total() for e in arm.evaluations for episode in e.episodes], tasks)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What can be said about each pair."""
        pairs = self.ranking.pairs
        means: dict[str, dict[Hashable, float | None]] = {
            arm.name: {e.seed: self._score(e).value for e in arm.evaluations} for arm in self.arms
        }
        alpha = (1 - LEVEL) / len(pairs)
        rng = generator(*self.seeds, "compare seeds")
        over_seeds = [paired_difference(means[p.a], means[p.b], rng=rng, level=1 - alpha) for p in pairs]
        tested = iter(holm([d.t_p for d in over_seeds if d.t_p is not None]))
        found = [(p, d, None if d.t_p is None else float(next(tested))) for p, d in zip(pairs, over_seeds, strict=True)]
        return tuple(Verdict(p, d, q, seeds_to_decide(d, q, alpha)) for p, d, q in found)

    @cached_property
    def ranks(self) -> dict[str, tuple[int, int]]:
        """Best and worst rank that the verdicts leave open, from 1."""
        won = [(v.above, v.pair.b if v.above == v.pair.a else v.pair.a) for v in self.verdicts if v.above]
        names = [arm.name for arm in self.arms]
        above = {name: sum(low == name for _, low in won) for name in names}
        below = {name: sum(high == name for high, _ in won) for name in names}
        return {name: (1 + above[name], len(names) - below[name]) for name in names}

    @property
    def equal_cost(self) -> bool:
        """Whether all recipes had as many demonstrations and as many episodes of their own."""
        costs = [(arm.cost["demonstrations"], arm.cost["episodes"]) for arm in self.arms if arm.cost]
        return len(set(costs)) <= 1

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """How each recipe learned; those that never play themselves have none."""
        found = [curve_of(a.name, [run.folder.metrics() for run in a.runs], self.by) for a in self.arms if a.runs]
        return tuple(curve for curve in found if curve is not None)

    def picture(self) -> Path | None:
        """Draw the learning curves beside the runs; None where there are none."""
        if not self.curves:
            return None
        from turnwise.measure.report.curves import draw

        return draw(self.curves, self.by, self.out / "curves.png")

    def _score(self, evaluation: Evaluation) -> Estimate:
        return evaluation.success if self.by == "success" else evaluation.returns

    def as_json(self) -> dict[str, Any]:
        """All numbers, JSON values."""
        found: dict[str, Any] = {"out": str(self.out), "complete": self.complete}
        if not self.complete:
            return found
        return found | {
            "by": self.by,
            "seeds": list(self.seeds),
            "arms": [self._arm_json(arm) for arm in self.arms],
            "pairs": [self._verdict_json(v) for v in self.verdicts],
            "equal_cost": self.equal_cost,
            "at_equal": {cost: equal(self.curves, cost) for cost in COSTS} if self.curves else None,
        }

    def _arm_json(self, arm: Arm) -> dict[str, Any]:
        return {
            "name": arm.name,
            self.by: as_json(self.estimate(arm)),
            "ranks": list(self.ranks[arm.name]),
            "cost": arm.cost,
            "runs": [str(run.path) for run in arm.runs],
        }

    def _verdict_json(self, verdict: Verdict) -> dict[str, Any]:
        pair = verdict.pair
        return {
            "a": pair.a,
            "b": pair.b,
            "above": verdict.above,
            "over_tasks": {**(difference_json(pair.difference) or {}), "p_holm": pair.p_holm, "above": pair.above},
            "over_seeds": {**(difference_json(verdict.seeds) or {}), "p_holm": verdict.seeds_p},
            "tasks_needed": pair.tasks_needed,
            "episodes_needed": pair.episodes_needed,
            "seeds_needed": verdict.seeds_needed,
        }


def seeds_to_decide(found: PairedDifference, p: float | None, alpha: float) -> int | None:
    """Seeds with which the difference seen, if it is the true one, would be found; None where it is found already."""
    if found.difference == 0 or not found.sd or p is None or p <= 1 - LEVEL:
        return None
    return max(tasks_needed(found.sd, found.difference, alpha=alpha), found.clusters + 1)
