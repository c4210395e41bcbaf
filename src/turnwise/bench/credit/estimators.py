"""What rules without a world model must estimate: from a batch of other episodes, or by playing on."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from turnwise.bench.credit.sampling import Play, draw, roll
from turnwise.credit.reward_to_go import reward_to_go
from turnwise.credit.spa import fit_table
from turnwise.worlds.tabular import Tabular


class Fitted:
    """Tables fitted on a batch, each made when it is asked for; a state that the batch never came to has 0."""

    def __init__(self, played: Play, ridge: float = 1.0):
        self.played, self.ridge = played, ridge
        self.shape = played.problem.after.shape[:2]

    @cached_property
    def counts(self) -> np.ndarray:
        """float64 [S, A]: how often each was taken."""
        return self._totals(np.ones(len(self.played.states_T)))

    @cached_property
    def returns(self) -> np.ndarray:
        """float64 [S, A]: sum of the returns from there on."""
        return self._totals(reward_to_go(self.played.rewards_T, self.played.starts_E1))

    @cached_property
    def v(self) -> np.ndarray:
        """float64 [S]: mean return from a state on."""
        return self.returns.sum(1) / np.maximum(self.counts.sum(1), 1.0)

    @cached_property
    def q(self) -> np.ndarray:
        """float64 [S, A]: mean return from an action on; as the state's own where it was never taken."""
        return np.where(self.counts > 0, self.returns / np.maximum(self.counts, 1.0), self.v[:, None])

    @cached_property
    def contributions(self) -> np.ndarray:
        """float64 [S, A]: shares that add up to the return of an episode (SPA)."""
        x = self.played
        size = self.shape[0] * self.shape[1]
        return fit_table(x.cells_T, x.starts_E1, x.returns_E, self.ridge, size).reshape(self.shape)

    def _totals(self, per_turn: np.ndarray) -> np.ndarray:
        size = self.shape[0] * self.shape[1]
        return np.bincount(self.played.cells_T, weights=per_turn, minlength=size).reshape(self.shape)


def continued(
    problem: Tabular,
    policy: np.ndarray,
    states_T: np.ndarray,
    count: int,
    rng: np.random.Generator,
    first_T: np.ndarray | None = None,
) -> tuple[np.ndarray, int]:
    """Returns of `count` episodes played on from each state, the hidden fact drawn anew from what is known there.

    Args:
        first_T: first action of each; None: the policy's own.

    Returns:
        returns (T, count), and how many turns that took.
    """
    from_E = np.repeat(states_T, count)
    facts_E = draw(problem.belief[from_E], rng)
    first_E = None if first_T is None else np.repeat(first_T, count)
    episode_T, _, _, rewards_T = roll(problem, policy, from_E, facts_E, rng, first_E)
    returns = np.bincount(episode_T, weights=rewards_T, minlength=len(from_E))
    return returns.reshape(len(states_T), count), len(rewards_T)
