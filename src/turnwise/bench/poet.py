"""POET against what it must beat, at equal episodes: no transfers, a hand-made curriculum, and training directly on the
hardest environment that POET solved (specs/learn/poet).

turnwise bench poet --store      writes poet.json beside this file
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.explore.poet import Niche, Poet, PoetSettings, ancestors
from turnwise.measure.intervals import naive_mean
from turnwise.worlds.grows import Settings
from turnwise.worlds.obstacle_run import ObstacleRun

EVIDENCE = Path(__file__).with_name("poet.json")
STAGES = 12
"""Environments of the curriculum, evenly from the first to the target."""


def bench_poet(
    seeds: int = 5, episodes: int = 700_000, first_seed: int = 0, told: Callable[[float], None] = lambda share: None
) -> dict[str, Any]:
    """All arms over seeds.

    Args:
        seeds: how many, counted from `first_seed`.
        episodes: that each arm plays, for learning, checks, transfers and children alike.
        told: the share that is done.

    Returns:
        {episodes, seeds: a row per seed, claims: what must come out, with 95% t-intervals over the seeds}.
    """
    rows = []
    for number in range(seeds):
        rows.append(one_seed(first_seed + number, episodes))
        told((number + 1) / seeds)
    return {"bench": "poet", "episodes": episodes, "claims": claims_of(rows), "seeds": rows}


def one_seed(seed: int, episodes: int) -> dict[str, Any]:
    """What the four arms of a seed came to; scores are exact."""
    whole, alone = (Arm.of_poet(PoetSettings(transfers=on), seed, episodes) for on in (True, False))
    target = whole.hardest
    course = target.course
    hand, used = by_hand(target.settings, seed, episodes)
    straight = Poet(started_at(target.settings), PoetSettings(transfers=False, mutations=False), seed)
    straight.run(episodes=episodes)
    chain = ancestors(target, whole.poet.archive)
    return {
        "seed": seed,
        "target": dict(target.settings),
        "by_chance": course.exact(np.zeros(course.size)),
        "poet": whole.best(target),
        "no_transfers": alone.best(target),
        "curriculum": course.exact(hand),
        "direct": course.exact(straight.pairs[0].learner.theta),
        "ancestors": [dict(whole.poet.archive[number].settings) for number in chain],
        "curriculum_stages": used,
        "annecs": {"poet": whole.poet.annecs, "no_transfers": alone.poet.annecs},
        "iterations": {"poet": whole.poet.iteration, "no_transfers": alone.poet.iteration},
        "admitted": {"poet": len(whole.poet.archive) - 1, "no_transfers": len(alone.poet.archive) - 1},
        "transfers": len(whole.poet.transferred),
        "annecs_at_equal_iterations": {"poet": whole.annecs_by(alone), "no_transfers": alone.annecs_by(whole)},
    }


@dataclass
class Arm:
    """A population after its budget, and how ANNECS grew."""

    poet: Poet
    grown: list[int]  # ANNECS after each iteration

    @classmethod
    def of_poet(cls, settings: PoetSettings, seed: int, episodes: int) -> Arm:
        """Run one until it has played so many episodes."""
        poet, grown = Poet(ObstacleRun, settings, seed), []
        while poet.episodes < episodes:
            poet.advance()
            grown.append(poet.annecs)
        return cls(poet, grown)

    @property
    def hardest(self) -> Niche:
        """Of the environments it ever solved, the one in which the uniform policy does worst."""
        solved = [niche for niche in self.poet.archive if niche.solved is not None]
        return min(solved, key=lambda niche: niche.course.exact(np.zeros(niche.course.size)))

    def best(self, target: Niche) -> float:
        """The best of its agents in an environment: those that are active, and those that solved one before."""
        active = [pair.learner.theta for pair in self.poet.pairs]
        solvers = [niche.solver for niche in self.poet.archive if niche.solver is not None]
        return max(target.course.exact(theta) for theta in (*active, *solvers))

    def annecs_by(self, other: Arm) -> int:
        """ANNECS at the last iteration that both came to."""
        return self.grown[min(len(self.grown), len(other.grown)) - 1]


def started_at(settings: Settings) -> type[ObstacleRun]:
    """The family as it is when it begins with an environment of one's own choice."""
    return type("Course", (ObstacleRun,), {"first": settings})


def by_hand(target: Settings, seed: int, episodes: int) -> tuple[np.ndarray, int]:
    """The agent that a curriculum leaves, and how many of its stages it came to: straight from the first environment to
    the target, on to the next when the last one is solved.
    """
    how = PoetSettings(transfers=False, mutations=False)
    theta, used, reached = None, 0, 0
    for reached, settings in enumerate(line_to(target), 1):
        poet = Poet(started_at(settings), how, seed + reached)
        if theta is not None:
            poet.pairs[0].learner = poet.pairs[0].learner.adopt(theta)
        last = settings == dict(target)
        while used + poet.episodes < episodes and (last or poet.pairs[0].niche.solved is None):
            poet.advance()
        theta, used = poet.pairs[0].learner.theta, used + poet.episodes
        if used >= episodes:
            break
    assert theta is not None
    return theta, reached


def line_to(target: Settings) -> list[Settings]:
    """Courses from the first one to the target in even steps, those that round to the same one once."""
    found: list[Settings] = []
    for share in np.linspace(0.0, 1.0, STAGES):
        mixed = {name: (1 - share) * value + share * target[name] for name, value in ObstacleRun.first.items()}
        course = {name: round(value, 6) if name == "slip" else round(value) for name, value in mixed.items()}
        if course not in found:
            found.append(course)
    return found


def claims_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the sheet says must come out, each with its figures."""
    wins = [row["poet"] - row["direct"] for row in rows]
    more = [row["annecs"]["poet"] - row["annecs"]["no_transfers"] for row in rows]
    same = [row["annecs_at_equal_iterations"] for row in rows]
    early = [one["poet"] - one["no_transfers"] for one in same]
    found = {
        "direct training fails where POET succeeds": wins,
        "transfers raise ANNECS at equal episodes": more,
        "transfers raise ANNECS at equal iterations": early,
    }
    return {says: told_of(values) for says, values in found.items()}


def told_of(differences: Sequence[float]) -> dict[str, Any]:
    """Mean difference over seeds with its interval, and whether that lies above 0."""
    found = naive_mean(np.array(differences, np.float64))
    return {"difference": found.value, "low": found.low, "high": found.high, "held": (found.low or 0.0) > 0.0}


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
        raise TurnwiseError(f"no {place.name}", "the figures of the benchmark", "turnwise bench poet --store")
    return json.loads(place.read_text("utf-8"))
