"""Evolution strategies on a parameter vector (specs/learn/poet).

scores of theta + sigma * n_i, i = 1..N  ->  centred ranks r_i in [-.5, .5]
g = 1 / (N * sigma) * sum_i r_i * n_i    ->  one Adam step uphill; step size and sigma decay
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import rankdata

Score = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""(parameters float64 [N, D], draws) -> scores float64 [N]; the same draws for all N."""


def centred_ranks(scores: np.ndarray) -> np.ndarray:
    """float64 [N] in [-.5, .5]: equal scores share a rank, so nothing follows from scores that are all the same."""
    if len(scores) < 2:
        return np.zeros(len(scores))
    return (rankdata(scores) - 1.0) / (len(scores) - 1.0) - 0.5


@dataclass(frozen=True)
class Evolution:
    """How a step is taken; lr 0.01 to 0.001 and sigma 0.1 to 0.01 are POET's, for networks on pixels of the ground."""

    samples: int = 20  # N, half of them the mirror images of the others
    lr: float = 0.05
    lr_decay: float = 0.9999
    least_lr: float = 0.01
    sigma: float = 0.3
    sigma_decay: float = 0.999
    least_sigma: float = 0.1
    l2: float = 0.01  # pulls towards the uniform policy


@dataclass(frozen=True, eq=False)
class Adam:
    """The optimiser's state, a value: a step gives a new one."""

    first: np.ndarray  # float64 [D]
    second: np.ndarray  # float64 [D]
    steps: int = 0

    @classmethod
    def at_rest(cls, size: int) -> Adam:
        """Before the first step."""
        return cls(np.zeros(size), np.zeros(size))

    def step(self, gradient: np.ndarray, betas: tuple[float, float] = (0.9, 0.999)) -> tuple[Adam, np.ndarray]:
        """The next state, and the direction to go, float64 [D]."""
        a, b = betas
        steps, first = self.steps + 1, a * self.first + (1 - a) * gradient
        second = b * self.second + (1 - b) * gradient**2
        moved = first / (1 - a**steps) / (np.sqrt(second / (1 - b**steps)) + 1e-8)
        return Adam(first, second, steps), moved


@dataclass(frozen=True, eq=False)
class Learner:
    """A parameter vector on its way."""

    theta: np.ndarray  # float64 [D]
    adam: Adam = field(repr=False)

    @classmethod
    def new(cls, size: int) -> Learner:
        """All zeros: the uniform policy."""
        return cls(np.zeros(size), Adam.at_rest(size))

    def adopt(self, theta: np.ndarray) -> Learner:
        """Somebody else's parameters; moments of one's own gradient say nothing about them."""
        return replace(Learner.new(len(theta)), theta=theta)


def evolution_step(learner: Learner, score: Score, how: Evolution, rng: np.random.Generator) -> Learner:
    """One step uphill; `score` is asked for `how.samples` vectors at once."""
    sigma = max(how.sigma * how.sigma_decay**learner.adam.steps, how.least_sigma)
    lr = max(how.lr * how.lr_decay**learner.adam.steps, how.least_lr)
    half = rng.standard_normal((how.samples // 2, len(learner.theta)))
    noise = np.concatenate([half, -half])
    ranks = centred_ranks(score(learner.theta + sigma * noise, rng))
    adam, direction = learner.adam.step(ranks @ noise / (len(noise) * sigma) - how.l2 * learner.theta)
    return Learner(learner.theta + lr * direction, adam)
