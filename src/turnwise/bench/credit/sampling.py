"""Episodes of a finite problem under a table policy, all of them advanced together, one turn at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from turnwise.credit.ragged import piece_sums
from turnwise.credit.rule import CreditInput
from turnwise.worlds.tabular import OVER, Tabular


@dataclass(frozen=True, eq=False)
class Play:
    """A batch of groups of episodes; axes as in `CreditInput`. Groups stand one after the other, and so do members."""

    problem: Tabular
    states_T: np.ndarray  # int64: where each turn was taken
    actions_T: np.ndarray  # int64
    rewards_T: np.ndarray  # float64
    starts_E1: np.ndarray  # int64: offsets of the episodes
    group_E: np.ndarray  # int64: episodes of a group share task, start and hidden fact
    task_E: np.ndarray  # int64
    facts_E: np.ndarray  # int64: the hidden fact

    @property
    def returns_E(self) -> np.ndarray:
        """float64 (E,)"""
        return piece_sums(self.rewards_T, self.starts_E1)

    @property
    def cells_T(self) -> np.ndarray:
        """int64 (T,): number of (state, action) in a flattened table."""
        return self.states_T * len(self.problem.actions) + self.actions_T

    def record(
        self,
        values_T: np.ndarray | None = None,
        signals_T: Mapping[str, np.ndarray] | None = None,
        signals_E: Mapping[str, np.ndarray] | None = None,
    ) -> CreditInput:
        """The batch as credit rules read it: one token per turn, every episode over at its end."""
        return CreditInput(
            rewards_T=self.rewards_T,
            starts_E1=self.starts_E1,
            done_E=np.ones(len(self.starts_E1) - 1, dtype=bool),
            group_E=self.group_E,
            task_E=self.task_E,
            values_T=values_T,
            token_starts_T1=np.arange(len(self.states_T) + 1),
            token_values_N=values_T,
            state_T=self.problem.anchor[self.states_T],
            signals_T=signals_T or {},
            signals_E=signals_E or {},
        )


def joined(plays: Sequence[Play]) -> Play:
    """Batches of one problem as one; groups are renumbered."""
    ends = np.cumsum([0, *(len(one.states_T) for one in plays)])
    groups = np.cumsum([0, *(one.group_E.max() + 1 for one in plays)])
    columns = {name: np.concatenate([getattr(one, name) for one in plays]) for name in TOGETHER}
    return Play(
        problem=plays[0].problem,
        starts_E1=np.concatenate([[0], *(one.starts_E1[1:] + end for one, end in zip(plays, ends, strict=False))]),
        group_E=np.concatenate([one.group_E + first for one, first in zip(plays, groups, strict=False)]),
        **columns,
    )


TOGETHER = ("states_T", "actions_T", "rewards_T", "task_E", "facts_E")


def play(problem: Tabular, policy: np.ndarray, groups: int, members: int, rng: np.random.Generator) -> Play:
    """Groups of episodes. Task (uniform), start and hidden fact are drawn once per group.

    Args:
        policy: float64 [S, A], a law per state.
    """
    task_G = rng.integers(len(problem.tasks), size=groups)
    start_G = draw(problem.start[task_G], rng)
    fact_G = draw(problem.belief[start_G], rng)
    group_E = np.repeat(np.arange(groups), members)
    episode_T, states_T, actions_T, rewards_T = roll(problem, policy, start_G[group_E], fact_G[group_E], rng)
    starts_E1 = np.concatenate([[0], np.cumsum(np.bincount(episode_T, minlength=groups * members))])
    return Play(problem, states_T, actions_T, rewards_T, starts_E1, group_E, task_G[group_E], fact_G[group_E])


def roll(
    problem: Tabular,
    policy: np.ndarray,
    states_E: np.ndarray,
    facts_E: np.ndarray,
    rng: np.random.Generator,
    first_E: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Episodes from given states on, to their ends.

    Args:
        first_E: first action of each; None: the policy's own.

    Returns:
        episode, state, action and reward of every turn, episode by episode.
    """
    running, states = np.arange(len(states_E)), states_E
    acts, outcomes_of = up_to(policy), outcomes_up_to(problem)
    steps: list[tuple[np.ndarray, ...]] = []
    while len(running):
        facts = facts_E[running]
        actions = first_E if first_E is not None and not steps else pick(acts[:, states], rng)
        cells = np.ravel_multi_index((facts, states, actions), problem.chances.shape[:-1])
        outcomes = pick(outcomes_of[:, cells], rng)
        steps.append((running, states, actions, problem.rewards[facts, states, actions, outcomes]))
        following = problem.after[states, actions, outcomes]
        running, states = running[following != OVER], following[following != OVER]
    episode_T, states_T, actions_T, rewards_T = (np.concatenate(column) for column in zip(*steps, strict=True))
    order = np.argsort(episode_T, kind="stable")
    return episode_T[order], states_T[order], actions_T[order], rewards_T[order]


def draw(laws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int64 (n,): one index per row of laws (n, k); an entry of chance 0 never comes."""
    return pick(up_to(laws), rng)


def up_to(laws: np.ndarray) -> np.ndarray:
    """float64 (k - 1, n): how likely an index is to be at most 0, 1, ..., k - 2."""
    sums = np.cumsum(laws, axis=1)
    return np.ascontiguousarray((sums / sums[:, -1:]).T[:-1])


@lru_cache(maxsize=8)
def outcomes_up_to(problem: Tabular) -> np.ndarray:
    """The same for the outcomes of every fact, state and action."""
    return up_to(problem.chances.reshape(-1, problem.chances.shape[-1]))


def pick(up_to: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int64 (n,): one index per column of what `up_to` made."""
    return (rng.random(up_to.shape[1]) >= up_to).sum(axis=0)
