"""How an agent did: its episodes, and the numbers that are always shown, with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Seat
from turnwise.measure.estimate import Estimate
from turnwise.measure.intervals import success_rate, task_mean
from turnwise.measure.normalised import Anchors, NormalisedScore, normalise
from turnwise.measure.pass_k import largest_k, pass_at_k_rate, pass_hat_k_rate
from turnwise.measure.rounds import agent_turns, as_json
from turnwise.measure.rows import by_task
from turnwise.measure.success_at_turn import success_curve
from turnwise.worlds.base import World

PUBLISHED = "published for this world"


@dataclass(frozen=True)
class Evaluation:
    """Episodes of one agent in one world. Rates lie in [0, 1]; intervals are clustered by task."""

    agent: str
    world: World
    episodes: tuple[Episode, ...]
    seed: int
    temperature: float | None = None  # of sampling; None where no model of ours speaks

    @cached_property
    def tasks(self) -> list[str]:
        """Key of each episode's task."""
        return [e.task.key for e in self.episodes]

    @cached_property
    def scores(self) -> list[float | None]:
        """Success of each episode, None where it is unscored."""
        return [None if e.success is None else float(e.success) for e in self.episodes]

    @cached_property
    def success(self) -> Estimate:
        """Share of episodes that succeed."""
        return success_rate(self.scores, self.tasks)

    @cached_property
    def returns(self) -> Estimate:
        """Sum of the agent's rewards, in world units."""
        return task_mean([e.total() for e in self.episodes], self.tasks)

    @cached_property
    def other_returns(self) -> dict[Seat, Estimate]:
        """The same of every other seat of the world; empty where the agent is alone."""
        others = [seat for seat in self.world.seats if seat != "agent"]
        return {seat: task_mean([e.total(seat) for e in self.episodes], self.tasks) for seat in others}

    @cached_property
    def noted(self) -> dict[str, Estimate]:
        """What the world asks to be shown beside success (`World.noted`): means of facts of the end, over the episodes
        in which the question arises.
        """
        found: dict[str, Estimate] = {}
        for name in self.world.noted:
            held = [(e.ends[0].facts[name], e.task.key) for e in self.episodes if name in e.ends[0].facts]
            values, tasks = [float(value) for value, _ in held], [task for _, task in held]
            yes_or_no = all(isinstance(value, bool) for value, _ in held)
            found[name] = success_rate(values, tasks) if yes_or_no else task_mean(values, tasks)
        return found

    @cached_property
    def turns(self) -> Estimate:
        """Acts of the agent per episode."""
        return task_mean([agent_turns(e) for e in self.episodes], self.tasks)

    @cached_property
    def curve(self) -> list[Estimate]:
        """Share solved by turn 1, 2, ...; empty where the world never says whether it was solved."""
        if self.success.value is None:
            return []
        finish = [agent_turns(e) if e.success else None for e in self.episodes]
        return success_curve(finish, self.tasks, max(agent_turns(e) for e in self.episodes))

    @cached_property
    def pass_k(self) -> dict[int, tuple[Estimate, Estimate]]:
        """k -> (pass@k: one of k trials succeeds, pass^k: all do), for k = 2, 4, ... up to the trials of every task."""
        trials = by_task(self.scores, self.tasks)
        most = largest_k(trials)
        sizes = sorted({k for k in (2, 4, 8, 16, 32, 64, most) if 2 <= k <= most})
        return {k: (pass_at_k_rate(trials, k), pass_hat_k_rate(trials, k)) for k in sizes}

    @cached_property
    def ends(self) -> dict[str, int]:
        """How the episodes ended."""
        return dict(sorted(Counter(leaf.end.value for e in self.episodes for leaf in e.ends).items()))

    @cached_property
    def normalised(self) -> NormalisedScore | None:
        """The mean return between the world's published anchors; None without anchors, or unless every task was played
        equally often, which is what the anchors are means over.
        """
        played = Counter(self.tasks)
        whole = set(played) == {t.key for t in self.world.tasks("eval")} and len(set(played.values())) == 1
        if not self.world.anchors or not whole:
            return None
        at = self.world.anchors
        try:
            return normalise(self.returns, Anchors(at["min"], at["data"], at["max"], PUBLISHED))
        except TurnwiseError:  # a mean of few episodes above the published best is luck, and has no place on the axis
            return None

    def as_json(self) -> dict[str, Any]:
        """All numbers, JSON values."""
        return {
            "agent": self.agent,
            "world": self.world.name,
            "world_settings": self.world.settings(),
            "seed": self.seed,
            "temperature": self.temperature,
            "episodes": len(self.episodes),
            "success": as_json(self.success),
            "return": as_json(self.returns),
            "turns": as_json(self.turns),
            "success_at_turn": [as_json(found) for found in self.curve],
            "pass_at_k": {k: as_json(at) for k, (at, _) in self.pass_k.items()},
            "pass_hat_k": {k: as_json(hat) for k, (_, hat) in self.pass_k.items()},
            "ends": self.ends,
            "normalised": as_json(self.normalised.score) if self.normalised else None,
            "anchors": dict(self.world.anchors) or None,
            **self._of_seats(),
        }

    def _of_seats(self) -> dict[str, Any]:
        """What only some worlds have, JSON values: other seats, and facts of their own."""
        of_seats = {seat: as_json(found) for seat, found in self.other_returns.items()}
        noted = {name: as_json(found) for name, found in self.noted.items()}
        return ({"other_returns": of_seats} if of_seats else {}) | ({"noted": noted} if noted else {})


def per_task(evaluations: Sequence[Evaluation], by: str = "success") -> dict[Hashable, list[float | None]]:
    """(task, seed) -> scores of its trials, by success or by return: the form that comparisons take."""
    found: dict[Hashable, list[float | None]] = {}
    for evaluation in evaluations:
        returns: list[float | None] = [e.total() for e in evaluation.episodes]
        scores = evaluation.scores if by == "success" else returns
        for task, trials in by_task(scores, evaluation.tasks).items():
            found[(task, evaluation.seed)] = trials
    return found
