"""Several agents on the same tasks: every pair compared, and no order claimed inside the noise.

An agent is placed above another only where the paired test says so with all pairs counted (Holm). What is left is a
partial order: each agent has a range of ranks, and each pair that was not separated has the number of tasks that would
decide it. Source: specs/evaluate/paired-comparison; the partial order is ours.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.measure.estimate import Estimate, decimals
from turnwise.measure.holm import holm
from turnwise.measure.intervals import task_mean
from turnwise.measure.matched import PerTask, scored_means
from turnwise.measure.paired import PairedDifference, paired_difference
from turnwise.measure.planning import fewest_tasks_for_sign_flips, tasks_needed


@dataclass(frozen=True)
class Pair:
    """One of the comparisons. `difference.low` and `high` are simultaneous over all pairs (Bonferroni)."""

    a: str
    b: str
    difference: PairedDifference
    p_holm: float  # sign-flip p, corrected for the number of pairs
    above: str | None  # the agent that is placed above the other, None where the two are not separated
    implied: bool  # True where it is above only because a third agent stands between
    tasks_needed: int | None  # tasks that would decide an undecided pair; None where none are needed, or none would do

    @property
    def episodes_needed(self) -> int | None:
        """The same in episodes of both agents together, at the trials per task of this run."""
        d = self.difference
        return None if self.tasks_needed is None else round(self.tasks_needed * d.episodes / d.tasks)


@dataclass(frozen=True)
class Ranking:
    """A partial order of agents. `str()` prints it."""

    agents: tuple[str, ...]  # by range of ranks, then by name, so that the order inside a range says nothing
    estimates: Mapping[str, Estimate]  # each agent's mean over the common tasks
    ranks: Mapping[str, tuple[int, int]]  # best and worst rank that the comparisons leave open, from 1
    groups: tuple[tuple[str, ...], ...]  # largest sets in which no two are separated; an agent may be in several
    pairs: tuple[Pair, ...]
    tasks: int  # tasks that all agents have a score on
    dropped: int  # tasks that some agent lacks
    level: float
    power: float  # chance of finding the observed difference, that the planned numbers of tasks aim at

    def __str__(self) -> str:
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        lines = [
            f"{len(self.agents)} agents on {self.tasks} common tasks{dropped}; rank ranges at {100 * self.level:g}%"
        ]
        width = max(len(agent) for agent in self.agents)
        for agent in self.agents:
            best, worst = self.ranks[agent]
            rank = str(best) if best == worst else f"{best}-{worst}"
            lines.append(f"  {rank:>5}  {agent:<{width}}  {self.estimates[agent]}")
        lines += ["not separated: " + ", ".join(group) for group in self.groups if len(group) > 1]
        return "\n".join(lines + ["pairs, intervals simultaneous, p by Holm:"] + [f"  {_line(p)}" for p in self.pairs])


def rank(
    scores: Mapping[str, PerTask],
    *,
    rng: np.random.Generator,
    clusters: dict[Hashable, Hashable] | None = None,
    level: float = 0.95,
    power: float = 0.8,
    flips: int = 10_000,
) -> Ranking:
    """Compare every pair of agents over the tasks that all of them have a score on.

    Args:
        scores: agent -> task -> score or scores of its trials.
        rng: draws sign flips.
        clusters: task -> coarser cluster.
        flips: sign flips per pair, raised where so many pairs could not reach the level with it.
        level: all claims of order together are wrong with a chance of at most 1 - level.
        power: for the number of tasks that an undecided pair needs, as if its observed difference were the true one.

    Holm decides; the intervals shown are Bonferroni's, a little wider, so one that just touches 0 can belong to a pair
    that is separated. Order is carried on: whoever is above somebody who is above a third is above the third.

    Raises:
        TurnwiseError: fewer than two agents, or no common task.
    """
    common, dropped = _common_tasks(scores)
    kept = {agent: {task: per_task[task] for task in common} for agent, per_task in scores.items()}
    couples = list(combinations(sorted(kept), 2))
    alpha = (1 - level) / len(couples)
    flips = max(flips, math.ceil(5 / alpha))  # a drawn p is never below 1 / (1 + flips)
    found = [
        paired_difference(kept[a], kept[b], rng=rng, clusters=clusters, level=1 - alpha, flips=flips)
        for a, b in couples
    ]
    corrected = holm([difference.p for difference in found])
    direct = {
        (a, b) if d.difference > 0 else (b, a)
        for (a, b), d, p in zip(couples, found, corrected, strict=True)
        if p <= 1 - level and d.difference != 0
    }
    better = _carried_on(direct)
    pairs = []
    for (a, b), difference, p in zip(couples, found, corrected, strict=True):
        above = a if (a, b) in better else b if (b, a) in better else None
        implied = above is not None and not {(a, b), (b, a)} & direct
        needed = None if above else _tasks_to_decide(difference, alpha, power)
        pairs.append(Pair(a, b, difference, float(p), above, implied, needed))
    ranks = {
        agent: (1 + sum(low == agent for _, low in better), len(kept) - sum(high == agent for high, _ in better))
        for agent in kept
    }
    agents = tuple(sorted(kept, key=lambda agent: (ranks[agent], agent)))
    return Ranking(
        agents=agents,
        estimates={agent: _estimate(kept[agent], clusters, level) for agent in agents},
        ranks=ranks,
        groups=_unseparated_groups(agents, better),
        pairs=tuple(pairs),
        tasks=len(common),
        dropped=dropped,
        level=level,
        power=power,
    )


def _tasks_to_decide(found: PairedDifference, alpha: float, power: float) -> int | None:
    """Tasks with which the observed difference, if it is the true one, would be found; None if it is 0."""
    if found.difference == 0:
        return None
    planned = tasks_needed(found.sd or 0.0, found.difference, alpha=alpha, power=power)
    return max(planned, fewest_tasks_for_sign_flips(alpha), found.tasks + 1)


def _common_tasks(scores: Mapping[str, PerTask]) -> tuple[list[Hashable], int]:
    """Tasks that every agent has a score on, and how many only some have."""
    if len(scores) < 2:
        raise TurnwiseError(
            f"{len(scores)} agents", "two or more to compare", "evaluate another agent on the same tasks"
        )
    scored = {agent: scored_means(per_task)[0] for agent, per_task in scores.items()}
    everything = dict.fromkeys(task for means in scored.values() for task in means)
    common = [task for task in everything if all(task in means for means in scored.values())]
    if not common:
        raise TurnwiseError(
            "no task that all agents have a score on: "
            + ", ".join(f"{agent} has {len(m)}" for agent, m in scored.items()),
            "one set of tasks for all",
            "run every agent on the same task keys (same world, split and seed)",
        )
    return common, len(everything) - len(common)


def _carried_on(better: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The transitive closure. Differences over common tasks add up, so no cycle can arise."""
    while True:
        implied = {(high, lowest) for high, low in better for middle, lowest in better if low == middle} - better
        if not implied:
            return better
        better = better | implied


def _unseparated_groups(agents: tuple[str, ...], better: set[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Maximal cliques of "not separated" (Bron and Kerbosch with a pivot), each in the order of `agents`."""
    beside = {
        agent: {other for other in agents if other != agent and not {(agent, other), (other, agent)} & better}
        for agent in agents
    }
    cliques: list[set[str]] = []

    def grow(clique: set[str], candidates: set[str], done: set[str]) -> None:
        if not candidates and not done:
            cliques.append(clique)
            return
        pivot = max(sorted(candidates | done), key=lambda agent: len(beside[agent] & candidates))
        for agent in sorted(candidates - beside[pivot]):
            grow(clique | {agent}, candidates & beside[agent], done & beside[agent])
            candidates, done = candidates - {agent}, done | {agent}

    grow(set(), set(agents), set())
    place = {agent: i for i, agent in enumerate(agents)}
    return tuple(
        sorted((tuple(sorted(c, key=place.__getitem__)) for c in cliques), key=lambda c: [place[a] for a in c])
    )


def _estimate(per_task: PerTask, clusters: dict[Hashable, Hashable] | None, level: float) -> Estimate:
    rows = [
        (task, score) for task, found in per_task.items() for score in np.atleast_1d(np.asarray(found, dtype=float))
    ]
    return task_mean([score for _, score in rows], [task for task, _ in rows], clusters, level=level)


def _line(pair: Pair) -> str:
    d = pair.difference
    digits = decimals(None if d.low is None or d.high is None else (d.high - d.low) / 2)
    between = d.note if d.low is None else f"[{d.low:+.{digits}f}, {d.high:+.{digits}f}]"
    text = f"{pair.a} - {pair.b}: {d.difference:+.{digits}f} {between}, p={pair.p_holm:.2g}"
    if pair.above:
        return f"{text}, {pair.above} above" + (" (by way of a third)" if pair.implied else "")
    if pair.tasks_needed is None:
        return f"{text}, not separated"
    return f"{text}, not separated; about {pair.tasks_needed} tasks ({pair.episodes_needed} episodes) would decide it"
