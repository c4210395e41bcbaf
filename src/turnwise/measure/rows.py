"""Scored rows: which rows count, and to which task or cluster each belongs.

A row is one episode's score. None and nan mean unscored: an infrastructure failure, a judge that failed. A
model's own invalid action is scored, since it is the model's fault. Source: specs/evaluate/CONVENTIONS.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError

Scores = Sequence[float | None] | np.ndarray
Ids = Sequence[Hashable] | np.ndarray


def as_scores(scores: Scores) -> np.ndarray:
    """Scores as float64 (n,), nan where unscored.

    Raises:
        TurnwiseError: more than one dimension, or an infinite score.
    """
    array = np.asarray(list(scores) if not isinstance(scores, np.ndarray) else scores, dtype=np.float64)
    if array.ndim != 1:
        raise TurnwiseError(
            f"scores of shape {array.shape}", "one score per row", "flatten them, with one task id per row"
        )
    if np.isinf(array).any():
        raise TurnwiseError(
            f"score {array[np.isinf(array)][0]}",
            "finite numbers, None or nan for unscored",
            "check the verifier",
        )
    return array


def encode(ids: Ids, rows: int, what: str) -> tuple[list[Hashable], np.ndarray]:
    """Number ids by first appearance: the distinct ids, and the number of each row, int64 (n,).

    Raises:
        TurnwiseError: a missing id, or not one per row.
    """
    if len(ids) != rows:
        raise TurnwiseError(
            f"{len(ids)} {what} ids for {rows} rows",
            f"one {what} id per row",
            "pass them in the order of the scores",
        )
    numbers: dict[Hashable, int] = {}
    codes = np.empty(rows, dtype=np.int64)
    for row, key in enumerate(ids.tolist() if isinstance(ids, np.ndarray) else ids):
        if key is None or key != key:
            raise TurnwiseError(
                f"row {row} has no {what} id",
                f"a {what} id on every row",
                "a row that stands alone gets an id of its own",
            )
        codes[row] = numbers.setdefault(key, len(numbers))
    return list(numbers), codes


@dataclass(frozen=True, eq=False)
class TaskMeans:
    """Scores averaged inside each task; tasks without a scored row are left out."""

    tasks: tuple[Hashable, ...]
    means_T: np.ndarray  # float64: mean score of each task
    trials_T: np.ndarray  # int64: scored rows of each task
    unscored: int  # rows left out


def task_means(scores: Scores, tasks: Ids) -> TaskMeans:
    """Average the rows of each task, so that each task counts once."""
    values = as_scores(scores)
    names, codes = encode(tasks, len(values), "task")
    scored = ~np.isnan(values)
    trials = np.bincount(codes[scored], minlength=len(names))
    sums = np.bincount(codes[scored], weights=values[scored], minlength=len(names))
    kept = np.flatnonzero(trials)
    return TaskMeans(
        tuple(names[i] for i in kept), sums[kept] / trials[kept], trials[kept], int(np.count_nonzero(~scored))
    )


def by_task(scores: Scores, tasks: Ids) -> dict[Hashable, list[float | None]]:
    """Rows collected per task, unscored ones as None: the form that comparisons take."""
    collected: dict[Hashable, list[float | None]] = {}
    names, codes = encode(tasks, len(scores), "task")
    for score, code in zip(as_scores(scores).tolist(), codes, strict=True):
        collected.setdefault(names[code], []).append(None if score != score else score)
    return collected


def cluster_of_tasks(tasks: Iterable[Hashable], clusters: dict[Hashable, Hashable] | None) -> list[Hashable]:
    """The cluster of each task: itself, unless a coarser one is named.

    Raises:
        TurnwiseError: a task without a cluster.
    """
    if clusters is None:
        return list(tasks)
    listed = list(tasks)
    missing = [task for task in listed if clusters.get(task) is None]
    if missing:
        raise TurnwiseError(
            f"task {missing[0]!r} has no cluster", "a cluster for every task", "add it, or leave clusters out"
        )
    return [clusters[task] for task in listed]
