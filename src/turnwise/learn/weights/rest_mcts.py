"""ReST-MCTS*: a critic and a policy that teach each other by search (specs/learn/rest_mcts).

critic   squared error on the values that the trees' right ends imply for every state that was come to
policy   imitation of the right paths of which the critic thinks well enough
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from turnwise.core.types import Batch, Episode, Update
from turnwise.learn.process import lessons, siblings_ranked, visited_states
from turnwise.learn.sequences import rows_of
from turnwise.learn.solutions import Solutions
from turnwise.learn.solved import solve_rate, solved_paths
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.learn.weights.process_values import ProcessValues
from turnwise.models.policy import Policy


@dataclass(frozen=True)
class RestMctsSettings:
    """How critic and policy are taught."""

    value_steps: int = 40  # optimiser steps of the critic per round
    floor: float = 0.2  # a right path is imitated where the critic says at least this of its last state
    most: int = 8  # right paths of one task that are held, newest first


class RestMcts:
    """Learner: from trees to a critic and a policy.

    Args:
        policy: whose weights change.
        values: the critic that guided the search.
        settings: see `RestMctsSettings`.
        how: of imitation.
        seed: orders the minibatches.
    """

    needs = frozenset[str]()
    slot = "weights"

    def __init__(
        self, policy: Policy, values: ProcessValues, settings: RestMctsSettings, how: ImitationSettings, seed: int
    ):
        self.policy, self.values, self.settings = policy, values, settings
        self.imitation = Imitation(policy, how, seed)
        self.solutions = Solutions(settings.most)

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """One update; a round before the first right path changes nothing but the version."""
        told = {"solved": solve_rate(batch.episodes), **self._teach_critic(batch.episodes)}
        found = solved_paths(batch.episodes)
        kept = [e for e, well in zip(found, self._well_thought_of(found), strict=True) if well]
        self.solutions.add(kept)
        told |= {"found": float(len(found)), "kept": float(len(kept)), "solutions": float(len(self.solutions))}
        if not len(self.solutions):
            self.policy.version += 1
            return [Update(self.slot, self.policy.version - 1, self.policy.version, told, "no right path yet")]
        (update,) = self.imitation.learn(Batch(self.solutions.all), progress)
        return [replace(update, change={**update.change, **told}, why="imitation of right paths")]

    def _teach_critic(self, trees: Sequence[Episode]) -> dict[str, float]:
        """Fit the critic; how well it ranked siblings before it saw these trees, and how far off it is now."""
        visited = visited_states(trees, self.policy.chat, self.policy.longest)
        if not visited:
            return {}
        told = {"ranked": siblings_ranked(visited, self.values.say([v.ids for v in visited]))}
        told["value_error"] = self.values.fit(lessons(visited), self.settings.value_steps)
        return {name: number for name, number in told.items() if number is not None}

    def _well_thought_of(self, paths: Sequence[Episode]) -> list[bool]:
        """Whether the critic says enough of the state before the last turn."""
        last = {row.episode: row for row in rows_of(paths, self.policy.chat, longest=self.policy.longest)}
        said = self.values.say([last[n].ids[: last[n].spans[-1].start] for n in range(len(paths))])
        return (said >= self.settings.floor).tolist()

    def save(self, directory: Path) -> None:
        """Optimisers, critic, and all right paths."""
        self.imitation.save(directory)
        self.values.save(directory)
        self.solutions.save(directory / "solutions.parquet")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.imitation.load(directory)
        self.values.load(directory)
        self.solutions.load(directory / "solutions.parquet")
