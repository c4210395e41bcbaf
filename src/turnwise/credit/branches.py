"""Paths of trees as flat arrays: an episode of `CreditInput` is a path, and paths share turns where `node_T` is equal.

The root that all paths of a group share stands before their first turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turnwise.credit.groups import group_numbers, numbered
from turnwise.credit.ragged import check_starts, piece_sums, previous_in_piece, spread


@dataclass(frozen=True, eq=False)
class Paths:
    """Where paths lie, and what they share."""

    starts_E1: np.ndarray  # int64: offsets of the paths, in turns
    groups_E: np.ndarray  # int64: number of each path's group
    nodes_T: np.ndarray  # int64: number of each turn in the trees

    def through(self, per_path_E: np.ndarray) -> np.ndarray:
        """The sum over the paths through each turn, (T,); of ones, how many they are."""
        return np.bincount(self.nodes_T, weights=spread(per_path_E, self.starts_E1))[self.nodes_T]

    def through_before(self, per_path_E: np.ndarray, through_T: np.ndarray) -> np.ndarray:
        """The same for the turn before each turn: before a first turn, the sum over the group, (T,)."""
        of_group_E = np.bincount(self.groups_E, weights=per_path_E)[self.groups_E]
        return previous_in_piece(through_T, self.starts_E1, of_group_E)

    @property
    def first_T(self) -> np.ndarray:
        """True at the first turn of each path."""
        first_T = np.zeros(len(self.nodes_T), dtype=bool)
        first_T[self.starts_E1[:-1][np.diff(self.starts_E1) > 0]] = True
        return first_T

    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """How likely a walk from a first turn that takes every branch alike comes to each turn, (T,), and ends with
        each path, (E,): 1 divided by the number of branches at every fork passed.

        A path that ends where others go on is a branch too.
        """
        first_T, filled_E = self.first_T, np.diff(self.starts_E1) > 0
        stands = np.empty(self.nodes_T.max(initial=-1) + 1, dtype=np.int64)
        stands[self.nodes_T] = np.arange(len(self.nodes_T))  # where one copy of each turn stands
        follows = stands[~first_T[stands]]
        branches = np.bincount(self.nodes_T[self.starts_E1[1:][filled_E] - 1], minlength=len(stands))
        branches += np.bincount(self.nodes_T[follows - 1], minlength=len(stands))
        halvings_T = np.log2(branches[self.nodes_T])
        so_far_T = np.cumsum(halvings_T) - halvings_T  # of the paths before too, so counted from the path's start
        at_start_E = np.zeros(len(filled_E))
        at_start_E[filled_E] = so_far_T[self.starts_E1[:-1][filled_E]]
        share_T = np.exp2(spread(at_start_E, self.starts_E1) - so_far_T)
        return share_T, np.exp2(-piece_sums(halvings_T, self.starts_E1))


def paths_of(starts_E1: np.ndarray, group_E: np.ndarray, node_T: np.ndarray) -> Paths:
    """Ids to numbers.

    Args:
        starts_E1: offsets of the paths.
        group_E: id of each path's group.
        node_T: id of each turn; equal where paths share it.
    """
    starts_E1 = check_starts(starts_E1, len(node_T), "starts_E1")
    return Paths(starts_E1, group_numbers(group_E, starts_E1[1:])[0], numbered(node_T))
