"""What a critic of what was begun is taught by search trees: the inferred value of every state that was come to
(specs/learn/rest_mcts).

A state that came several times is one lesson: its target is the mean, its weight the share of its visits, each depth
weighing alike, since targets cluster at k / K.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.types import Episode
from turnwise.credit.ragged import piece_of, previous_in_piece
from turnwise.credit.rest_mcts import inferred_values
from turnwise.learn.credited import Path, credit_input, paths_of
from turnwise.learn.sequences import Renderer, Row, rows_of
from turnwise.learn.solved import succeeded


@dataclass(frozen=True, slots=True)
class Visited:
    """A state to which a turn led."""

    ids: np.ndarray  # int32: all that the seat would read there
    value: float  # inferred, 0 to 1
    depth: int  # turns so far
    parent: tuple[int, int]  # (tree, turn before), siblings share it
    right: bool  # whether a right end lies below


@dataclass(frozen=True, eq=False)
class Lessons:
    """Distinct states."""

    ids: list[np.ndarray]  # int32 [L] each
    target_S: np.ndarray  # float64
    weight_S: np.ndarray  # float64, summing to 1


def visited_states(trees: Sequence[Episode], chat: Renderer, longest: int | None = None) -> list[Visited]:
    """Every state after a turn, each node of a tree once; ends of the world, which nobody reads, are left out, and so
    are trees without a right end. The root is worth 0 by definition and is no lesson.
    """
    rows = rows_of(trees, chat, longest=longest)
    paths = paths_of(trees, rows)
    if not paths:
        return []
    x, of = credit_input(trees, rows, paths)
    right_E = np.array([succeeded(trees[path.episode], path.leaf) for path in paths])
    tree_E = np.array([path.episode for path in paths])
    values_T = inferred_values(right_E, x.starts_E1, tree_E, x.given("node_T"))
    rises_T = values_T > previous_in_piece(values_T, x.starts_E1, np.zeros(len(paths)))
    path_T = piece_of(x.starts_E1)
    found: dict[tuple[int, int], Visited] = {}
    read = [ids for path in paths for ids in after_turns(path, rows)]
    for i, (place, ids) in enumerate(zip(of, read, strict=True)):
        if place not in found and ids is not None and not np.isnan(values_T[i]):
            depth = i - int(x.starts_E1[path_T[i]])
            parent = place[0], of[i - 1][1] if depth else -1
            found[place] = Visited(ids, float(values_T[i]), depth + 1, parent, bool(rises_T[i]))
    return list(found.values())


def after_turns(path: Path, rows: Sequence[Row]) -> list[np.ndarray | None]:
    """What is read after each turn of a path: before the next one, or in the tail of a cut; None after an ending."""
    spans = [(rows[r], span.start) for r in path.rows for span in rows[r].spans]
    read: list[np.ndarray | None] = [row.ids[:start] for row, start in spans[1:]]
    last = rows[path.rows[-1]]
    return [*read, None if last.tail is None else last.ids[: last.tail + 1]]


def lessons(visited: Sequence[Visited]) -> Lessons:
    """Distinct states with their mean value."""
    depths, count = np.unique([v.depth for v in visited], return_counts=True)
    share = dict(zip(depths.tolist(), (1.0 / count / len(depths)).tolist(), strict=True))
    total: dict[bytes, list[float]] = {}
    ids: dict[bytes, np.ndarray] = {}
    for v in visited:
        key = v.ids.tobytes()
        ids.setdefault(key, v.ids)
        held = total.setdefault(key, [0.0, 0.0])
        held[0] += share[v.depth]
        held[1] += share[v.depth] * v.value
    weight_S = np.array([weight for weight, _ in total.values()])
    return Lessons(list(ids.values()), np.array([told for _, told in total.values()]) / weight_S, weight_S)


def siblings_ranked(visited: Sequence[Visited], said_V: np.ndarray) -> float | None:
    """Share of sibling pairs, one with a right end below and one without, that a critic puts in this order; a tie
    counts half. None where there is no such pair.

    Args:
        said_V: what the critic says of each.
    """
    families: dict[tuple[int, int], tuple[list[float], list[float]]] = {}
    for v, said in zip(visited, said_V.tolist(), strict=True):
        families.setdefault(v.parent, ([], []))[v.right].append(said)
    ranked = [
        0.5 if good == bad else float(good > bad) for bads, goods in families.values() for good in goods for bad in bads
    ]
    return sum(ranked) / len(ranked) if ranked else None
