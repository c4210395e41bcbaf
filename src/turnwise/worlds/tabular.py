"""Finite decision problems as arrays, small enough for their exact values (specs/credit/README).

A problem may hide something: a fact h that is drawn once per episode and never shown (three bits, the type of a user).
What the agent sees, a state, then fixes a belief over h, because the belief depends on what was seen and never on the
policy; so exact values are those of the belief's own decision problem, and sampling still goes by the fact.

Axes: S states, A actions, K outcomes of an action, H hidden facts, Q tasks. Time is part of a state; a state stands
before those that can follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from turnwise.core.errors import TurnwiseError

OVER = -1
"""In `after`: the episode ends."""


@dataclass(frozen=True, eq=False)
class Tabular:
    """A finite episodic decision problem."""

    name: str
    actions: tuple[str, ...]
    states: tuple[str, ...]  # one name each
    tasks: tuple[str, ...]
    after: np.ndarray  # int64 [S, A, K]: the state that follows an outcome, or OVER
    chances: np.ndarray  # float64 [H, S, A, K]: of each outcome under each fact; 0 for outcomes that do not exist
    rewards: np.ndarray  # float64 [H, S, A, K]
    start: np.ndarray  # float64 [Q, S]: where an episode of a task begins
    belief: np.ndarray  # float64 [S, H]: law of the hidden fact, given what was seen on the way to the state
    anchor: np.ndarray  # int64 [S]: the same for states that look alike at different times
    probe: np.ndarray | None = None  # float64 [H, S]: how probable the right answer looks there (IGPO's signal)
    critics: Mapping[str, np.ndarray] = field(default_factory=dict)  # step scores by name, float64 [S, A]
    points: tuple[Any, ...] = ()  # the states as the rules write them, where they were unfolded from rules

    def __post_init__(self) -> None:
        if not np.allclose(self.chances.sum(-1), 1.0) or not np.allclose(self.belief.sum(-1), 1.0):
            raise TurnwiseError(f"chances of {self.name} that do not sum to 1", "a law per fact, state and action")
        later = self.after > np.arange(len(self.states))[:, None, None]
        if not (later | (self.after == OVER) | ~(self.chances > 0).any(0)).all():
            raise TurnwiseError(f"{self.name} goes back to an earlier state", "time as part of every state")

    @cached_property
    def law(self) -> np.ndarray:
        """float64 [S, A, K]: chances of the outcomes as the agent must believe them."""
        return np.einsum("sh,hsak->sak", self.belief, self.chances)

    @cached_property
    def layers(self) -> tuple[np.ndarray, ...]:
        """The states in parts, int64 [n] each: what follows a state lies in a later part than the state."""
        depth, possible = np.zeros(len(self.states), int), (self.chances > 0).any(0) & (self.after != OVER)
        for s, (after, on) in enumerate(zip(self.after, possible, strict=True)):
            depth[after[on]] = np.maximum(depth[after[on]], depth[s] + 1)
        return tuple(np.flatnonzero(depth == d) for d in range(depth.max() + 1))

    @cached_property
    def earned(self) -> np.ndarray:
        """float64 [S, A]: expected reward of an action."""
        return np.einsum("sh,hsak,hsak->sa", self.belief, self.chances, self.rewards)


@dataclass(frozen=True, eq=False)
class Values:
    """Exact expected returns, undiscounted."""

    v: np.ndarray  # float64 [S]
    q: np.ndarray  # float64 [S, A]
    policy: np.ndarray  # float64 [S, A]: whose values they are

    @property
    def advantages(self) -> np.ndarray:
        """float64 [S, A]: q - v."""
        return self.q - self.v[:, None]


def solve(problem: Tabular, policy: np.ndarray | None = None) -> Values:
    """Values by backward induction over the states.

    Args:
        policy: float64 [S, A], a law per state; None for the best policy, whose ties (within 1e-12) share it.
    """
    count = len(problem.states)
    v, q = np.zeros(count + 1), np.zeros((count, len(problem.actions)))  # v[OVER] is the last entry: 0
    chosen = np.zeros_like(q) if policy is None else policy
    for part in reversed(problem.layers):
        q[part] = problem.earned[part] + (problem.law[part] * v[problem.after[part]]).sum(-1)
        if policy is None:
            best = q[part] >= q[part].max(-1, keepdims=True) - 1e-12
            chosen[part] = best / best.sum(-1, keepdims=True)
        v[part] = (chosen[part] * q[part]).sum(-1)
    return Values(v[:-1], q, chosen)


def soften(problem: Tabular, reference: np.ndarray, eta: float) -> Values:
    """Values of the best policy that pays for leaving a reference (specs/learn/multi_turn_dpo_kto).

        v(s) = eta * log E_{a ~ reference} exp( q(s, a) / eta ),   policy(a | s) = reference(a | s) exp( (q - v) / eta )

    Args:
        reference: float64 [S, A], a law per state.
        eta: weight of KL(policy || reference), in the unit of the rewards.
    """
    count = len(problem.states)
    v, q = np.zeros(count + 1), np.zeros((count, len(problem.actions)))
    for part in reversed(problem.layers):
        q[part] = problem.earned[part] + (problem.law[part] * v[problem.after[part]]).sum(-1)
        most = q[part].max(-1)
        v[part] = most + eta * np.log((reference[part] * np.exp((q[part] - most[:, None]) / eta)).sum(-1))
    return Values(v[:-1], q, reference * np.exp((q - v[:-1, None]) / eta))


def visits(problem: Tabular, policy: np.ndarray) -> np.ndarray:
    """float64 [Q, S]: how often, on average, an episode of a task comes to each state under a policy."""
    count = len(problem.states)
    seen = np.pad(problem.start, ((0, 0), (0, 1)))  # seen[:, OVER] gathers what has ended
    flow = policy[:, :, None] * problem.law  # [S, A, K]
    for part in problem.layers:
        to = (problem.after[part] % (count + 1)).ravel()
        for of_task in seen:
            of_task += np.bincount(to, (flow[part] * of_task[part, None, None]).ravel(), count + 1)
    return seen[:, :-1]


def mixed(problem: Tabular, share: float) -> np.ndarray:
    """float64 [S, A]: `share` on the best actions, the rest uniform: 0 uniform, .4 mid, .7 good."""
    return share * solve(problem).policy + (1.0 - share) / len(problem.actions)
