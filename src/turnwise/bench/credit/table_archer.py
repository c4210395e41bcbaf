"""ArCHer on tables: a replay as counts, critic steps on it, and an actor that acts anew in replayed states.

    Q(s,a) <- mean over the replay of r + gamma * (1 - done) * Vbar(s')        V(s) <- sum_a pi(a|s) Qbar(s,a)
    actor     s from the replay, a ~ pi(.|s) anew, credit Q - V

A step of the critic says exactly what the mean square error over the whole replay asks for, and the fresh utterance of
V is taken in expectation; so one table stands for both twins. What was never played has the value of its state. With
tau 1 and twice as many steps as an episode has turns the critic is solved: it says what the current policy is worth in
the replay's own averages, whoever played those turns (specs/learn/archer).
"""

from __future__ import annotations

from collections import deque

import numpy as np
from scipy import sparse

from turnwise.bench.credit.copies import Copies
from turnwise.bench.credit.sampling import Play


class TableReplay:
    """Turns as counts.

    Args:
        shape: states and actions.
        memory: batches that are kept; 0: all.
    """

    def __init__(self, shape: tuple[int, int], memory: int = 0):
        self.shape, self.memory = shape, memory
        self.batches: deque[tuple[np.ndarray, np.ndarray, sparse.csr_matrix]] = deque()
        cells = shape[0] * shape[1]
        self.counts, self.rewards, self.follows = np.zeros(cells), np.zeros(cells), sparse.csr_matrix((cells, shape[0]))

    def add(self, played: Play) -> None:
        """Remember a batch, and forget the oldest beyond `memory`."""
        cells_T, count = played.cells_T, len(self.counts)
        on_T = np.ones(len(cells_T), bool)
        on_T[played.starts_E1[1:] - 1] = False
        on = np.flatnonzero(on_T)
        pairs = (cells_T[on], played.states_T[on + 1])
        follows = sparse.csr_matrix((np.ones(len(on)), pairs), shape=self.follows.shape)
        batch = (
            np.bincount(cells_T, minlength=count),
            np.bincount(cells_T, weights=played.rewards_T, minlength=count),
            follows,
        )
        self._count(batch, 1.0)
        if self.memory:
            self.batches.append(batch)
            if len(self.batches) > self.memory:
                self._count(self.batches.popleft(), -1.0)

    def _count(self, batch: tuple[np.ndarray, np.ndarray, sparse.csr_matrix], sign: float) -> None:
        counts, rewards, follows = batch
        self.counts = self.counts + sign * counts
        self.rewards = self.rewards + sign * rewards
        self.follows = self.follows + sign * follows

    @property
    def visits(self) -> np.ndarray:
        """float64 [S]: turns in each state."""
        return self.counts.reshape(self.shape).sum(1)


class TableCritic:
    """Q and V with their slow copies.

    Args:
        gamma: discount per turn.
        tau: share that the slow copies take over after each step.
    """

    def __init__(self, shape: tuple[int, int], gamma: float = 1.0, tau: float = 1.0):
        self.gamma, self.tau = gamma, tau
        self.q, self.v = np.zeros(shape), np.zeros(shape[0])
        self.slow_q, self.slow_v = self.q, self.v

    def learn(self, replay: TableReplay, policy: np.ndarray, steps: int) -> None:
        """Some steps on the replay, for a policy [S, A]."""
        times = np.maximum(replay.counts, 1.0)
        seen = (replay.counts > 0).reshape(replay.shape)
        known = policy * seen
        known = known / np.maximum(known.sum(1, keepdims=True), 1e-300)
        earned, follows = replay.rewards / times, sparse.diags(self.gamma / times) @ replay.follows
        for _ in range(steps):
            said = (earned + follows @ self.slow_v).reshape(replay.shape)
            self.v = (known * self.slow_q).sum(1)
            self.q = np.where(seen, said, self.v[:, None])
            self.slow_q = self.slow_q + self.tau * (self.q - self.slow_q)
            self.slow_v = self.slow_v + self.tau * (self.v - self.slow_v)


def actor_step(copies: Copies, visits: np.ndarray, critic: TableCritic, policy: np.ndarray, episodes: int, turns: int,
               rng: np.random.Generator) -> np.ndarray:  # fmt: skip
    """Gradient in the logits [R * S, A] of as many turns per run as a batch has, credit of root mean square 1.

    Args:
        visits: float64 [R * S], of the replay.
        episodes, turns: per run; the gradient is per episode, as of a batch.
    """
    of_runs = visits.reshape(copies.count, -1)
    drawn = rng.multinomial(turns, of_runs / of_runs.sum(1, keepdims=True)).reshape(-1)
    taken = rng.multinomial(drawn, policy)
    credit = critic.q - critic.v[:, None]
    size = np.sqrt(copies.per_run(taken * credit**2) / turns)
    pushed = taken * credit / copies.spread(np.where(size > 0.0, size, 1.0))
    return (pushed - pushed.sum(1, keepdims=True) * policy) / episodes
