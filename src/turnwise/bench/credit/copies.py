"""Many training runs at once: one problem laid side by side, a copy and a task of its own for every run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from turnwise.bench.credit.sampling import Play, draw, roll
from turnwise.worlds.tabular import OVER, Tabular, Values, solve


@dataclass(frozen=True, eq=False)
class Copies:
    """A problem of one task, once for each of R runs; states of run r follow those of run r - 1."""

    one: Tabular
    count: int

    @cached_property
    def all(self) -> Tabular:
        """All copies as one problem of R tasks."""
        x, count = self.one, self.count
        first = np.repeat(np.arange(count) * len(x.states), len(x.states))[:, None, None]
        after = np.tile(x.after, (count, 1, 1))
        return replace(
            x,
            states=tuple(f"{run}: {state}" for run in range(count) for state in x.states),
            tasks=tuple(f"run {run}" for run in range(count)),
            after=np.where(after == OVER, OVER, after + first),
            chances=np.tile(x.chances, (1, count, 1, 1)),
            rewards=np.tile(x.rewards, (1, count, 1, 1)),
            start=np.kron(np.eye(count), x.start),
            belief=np.tile(x.belief, (count, 1)),
            anchor=np.tile(x.anchor, count),
            points=x.points * count,
        )

    def values(self, policy: np.ndarray) -> tuple[Values, np.ndarray]:
        """Exact values of a policy [R * S, A], and what each run expects to earn, float64 (R,)."""
        found = solve(self.all, policy)
        return found, self.all.start @ found.v

    def play(self, policy: np.ndarray, groups: int, members: int, rng: np.random.Generator) -> Play:
        """Groups of episodes of every run, run by run."""
        run_E = np.repeat(np.arange(self.count), groups * members)
        starts_E = draw(self.all.start, rng)[run_E]
        facts_E = draw(self.all.belief[starts_E[:: groups * members]], rng)[run_E]
        episode_T, states_T, actions_T, rewards_T = roll(self.all, policy, starts_E, facts_E, rng)
        starts_E1 = np.concatenate([[0], np.cumsum(np.bincount(episode_T, minlength=len(run_E)))])
        group_E = np.repeat(np.arange(self.count * groups), members)
        return Play(self.all, states_T, actions_T, rewards_T, starts_E1, group_E, run_E, facts_E)

    def per_run(self, table: np.ndarray) -> np.ndarray:
        """float64 (R,): sums of a table [R * S, A] over each run's part."""
        return table.reshape(self.count, -1).sum(1)

    def spread(self, of_runs: np.ndarray) -> np.ndarray:
        """float64 [R * S, 1]: a number of each run, for all its states."""
        return np.repeat(of_runs, len(self.one.states))[:, None]
