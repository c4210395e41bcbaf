"""The training check: softmax tables trained from uniform with each rule's credit (specs/credit/README).

Per update 8 groups of 8 episodes, where a course says nothing else; credit divided by its root mean square in the
batch; a step of lr times the mean gradient; estimators refitted on the last four batches, the present one among them;
the exact value after each update.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from turnwise.bench.credit.rules import Row, rows_of
from turnwise.bench.credit.sampling import Play, joined, play
from turnwise.bench.credit.scene import Scene
from turnwise.core.chance import generator
from turnwise.worlds.tabular import Tabular, Values, solve

GROUPS, MEMBERS, MEMORY, SEEDS, ENOUGH = 8, 8, 4, 5, 0.8


@dataclass(frozen=True)
class Course:
    """How a world is trained on."""

    lr: float
    updates: int
    rows: tuple[str, ...]
    groups: int = GROUPS  # per update
    members: int = MEMBERS  # episodes of each


CRITICS = ("fitted-q-v", "gae-0-fitted", "gae-.95-fitted")
COURSES = {
    "key-corridor": Course(
        0.5,
        120,
        ("oracle", *CRITICS, "gigpo", "rloo", "grpo", "spa-reward", "spa-credit", "reinforce", "episode-z"),
    ),
    "work-submit": Course(
        1.0,
        150,
        (
            *("oracle", *CRITICS, "dr-grpo-length", "gigpo", "grpo-rows", "rloo", "grpo", "spa-reward", "reinforce"),
            *("spa-credit", "episode-z", "d-ra-aligned", "g-ra-aligned", "d-ra-misaligned", "g-ra-misaligned"),
        ),
    ),
    "loop-grid": Course(4.0, 120, (*CRITICS, "dr-grpo-length", "spa-reward", "gigpo", "spa-credit", "rloo")),
    "bit-search": Course(
        16.0,
        150,
        (
            *("rloo", *CRITICS, "igpo-telescoped", "igpo-sum-then-norm", "igpo-rise", "igpo-raw"),
            "igpo-norm-then-sum",
        ),
    ),
    # sparse: as many episodes in groups of four, of which eight in ten fail as a whole at first
    "bit-naming": Course(
        16.0,
        100,
        (
            *("rloo", "grpo", "igpo-norm-then-sum", "igpo-sum-then-norm", "igpo-telescoped", "igpo-rise"),
            "igpo-raw",
        ),
        groups=16,
        members=4,
    ),
}


def train(problem: Tabular, row: Row, course: Course, seed: int) -> np.ndarray:
    """Exact expected return after each update, mean over tasks, float64 (updates,)."""
    logits = np.zeros(problem.after.shape[:2])
    values, curve = solve(problem, softmax(logits)), np.empty(course.updates)
    batches: deque[Play] = deque(maxlen=MEMORY)
    for update in range(course.updates):
        rng = generator(seed, "bench credit training", problem.name, row.name, update)
        batches.append(play(problem, values.policy, course.groups, course.members, rng))
        scene = Scene(batches[-1], values, lambda: joined(batches), rng)
        logits += course.lr * step(scene.played, row.credit(scene), values.policy)
        values = solve(problem, softmax(logits))
        curve[update] = value(problem, values)
    return curve


def step(played: Play, credit_T: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """Mean over episodes of sum_t c_t * grad log pi(a_t|s_t) in the logits, with credit of root mean square 1."""
    size = np.sqrt((credit_T**2).mean())
    if size == 0.0:
        return np.zeros_like(policy)
    sums = np.bincount(played.cells_T, weights=credit_T / size, minlength=policy.size).reshape(policy.shape)
    return (sums - sums.sum(1, keepdims=True) * policy) / (len(played.starts_E1) - 1)


def softmax(logits: np.ndarray) -> np.ndarray:
    """A law per row."""
    up = np.exp(logits - logits.max(1, keepdims=True))
    return up / up.sum(1, keepdims=True)


def value(problem: Tabular, values: Values) -> float:
    """Expected return, mean over tasks."""
    return float((problem.start @ values.v).mean())


def training_check(
    problem: Tabular,
    rules: Sequence[str] = (),
    seed: int = 0,
    seeds: int = SEEDS,
    told: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Every row of a world's course, from `seeds` seeds of `seed` on.

    Returns:
        {row: {episodes: median over seeds until the value reached .8, or None; final: mean value at the end; spread:
        1.96 standard errors of it over seeds; after_10: mean value after ten updates}}.
    """
    course = COURSES[problem.name]
    rows = [row for row in rows_of(problem, rules) if row.name in course.rows]
    found = {}
    for number, row in enumerate(sorted(rows, key=lambda row: course.rows.index(row.name))):
        curves = []
        for run in range(seeds):
            told((number + run / seeds) / len(rows))
            curves.append(train(problem, row, course, seed + run))
        found[row.name] = summary(np.array(curves), course.groups * course.members)
    return found


def summary(curves: np.ndarray, episodes: int = GROUPS * MEMBERS) -> dict[str, float | None]:
    """What is said of the curves (seeds, updates), with so many episodes an update."""
    reached = curves >= ENOUGH
    first = np.where(reached.any(1), (reached.argmax(1) + 1.0) * episodes, np.inf)
    median, final = float(np.median(first)), curves[:, -1]
    return {
        "episodes": median if np.isfinite(median) else None,
        "final": round(float(final.mean()), 5),
        "spread": round(1.96 * float(final.std(ddof=1)) / len(final) ** 0.5, 5) if len(final) > 1 else 0.0,
        "after_10": round(float(curves[:, min(9, curves.shape[1] - 1)].mean()), 5),
    }
