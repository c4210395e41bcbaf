"""An environment of a family made fast: many linear softmax policies play it at once, by sampling or exactly."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from turnwise.worlds.grows import Grows
from turnwise.worlds.tabular import OVER, solve


class Course:
    """One environment, for policies pi(a | s) = softmax(features(s) @ theta), theta [F, A] laid flat.

    Args:
        world: the environment.
    """

    def __init__(self, world: Grows):
        self.table = world.problem()
        self.seen, self.look = np.unique(world.features(), axis=0, return_inverse=True)  # [U, F]; int64 [S]
        self.start = int(self.table.start[0].argmax())

    @property
    def size(self) -> int:
        """Parameters of a policy: features times actions."""
        return self.seen.shape[1] * len(self.table.actions)

    def laws(self, thetas: np.ndarray) -> np.ndarray:
        """float64 [N, U, A]: what each policy does for each thing that can be seen."""
        logits = self.seen @ thetas.reshape(len(thetas), self.seen.shape[1], -1)
        law = np.exp(logits - logits.max(-1, keepdims=True))
        return law / law.sum(-1, keepdims=True)

    def exact(self, theta: np.ndarray) -> float:
        """Expected return of a policy."""
        return float(solve(self.table, self.laws(theta[None])[0][self.look]).v[self.start])

    @cached_property
    def _outcomes(self) -> np.ndarray:
        """float64 [S, A, K]: law of the outcomes, cumulative."""
        return self.table.law.cumsum(-1)

    def sampled(self, thetas: np.ndarray, episodes: int, rng: np.random.Generator) -> np.ndarray:
        """float64 [N]: mean return of each policy over episodes whose luck all policies share.

        Args:
            thetas: float64 [N, D].
        """
        law, count = self.laws(thetas).cumsum(-1), len(thetas)
        returns = np.zeros(count * episodes)
        who, at = np.arange(count * episodes), np.full(count * episodes, self.start)
        while len(who):
            luck = rng.random((2, episodes))[:, who % episodes]
            acts = law[who // episodes, self.look[at]]
            act = np.minimum((luck[0][:, None] >= acts).sum(-1), acts.shape[1] - 1)
            outcomes = self._outcomes[at, act]
            outcome = np.minimum((luck[1][:, None] >= outcomes).sum(-1), outcomes.shape[1] - 1)
            returns[who] += self.table.rewards[0, at, act, outcome]
            after = self.table.after[at, act, outcome]
            who, at = who[after != OVER], after[after != OVER]
        return returns.reshape(count, episodes).mean(-1)
