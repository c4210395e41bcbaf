"""ReST-MCTS*: what each step of a search tree is worth, inferred from how far a right leaf is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.branches import Paths, paths_of
from turnwise.credit.ragged import piece_sums, previous_in_piece, spread
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.whiten import Whiten, check_whiten, whiten_turns


def remaining(right_E: np.ndarray, paths: Paths) -> tuple[np.ndarray, np.ndarray]:
    """m of each turn, and whether a right leaf lies below it (h = 1).

        m(right leaf) = 1;  m(turn) = 1 + min over the turns after it
        where no right leaf lies below, m of the nearest turn before (or of the group's root) that has one, and h = 0

    Returns:
        m (T,), inf in a group without a right leaf; h (T,).
    """
    starts_E1, nodes_T = paths.starts_E1, paths.nodes_T
    to_end_T = spread(starts_E1[1:], starts_E1) - np.arange(len(nodes_T))
    m_T = _least(np.where(spread(right_E, starts_E1), to_end_T, np.inf), nodes_T)
    below_T = np.isfinite(m_T)
    of_root_E = _least(np.where(right_E, np.diff(starts_E1) + 1.0, np.inf), paths.groups_E)
    # A right leaf below a turn is below every turn before it: the turns that have one are the first of their path.
    last_T = spread(starts_E1[:-1] + piece_sums(below_T, starts_E1).astype(np.int64) - 1, starts_E1)
    none_T = last_T < spread(starts_E1[:-1], starts_E1)
    above_T = np.where(none_T, spread(of_root_E, starts_E1), m_T[last_T])
    return np.where(below_T, m_T, above_T), below_T


def inferred_values(right_E: np.ndarray, starts_E1: np.ndarray, group_E: np.ndarray, node_T: np.ndarray) -> np.ndarray:
    """V of the state after each turn, in [0, 1], with V(root) = 0; nan in a group without a right leaf.

        V_k = max(0, V_{k-1} + (1 - V_{k-1}) * r / m_k),  r = +1 where a right leaf lies below, otherwise -1

    Args:
        right_E: True where a path ended right.
        starts_E1: offsets of the paths.
        group_E: paths of a group begin at one root.
        node_T: id of each turn; equal where paths share it.

    A right chain of K turns gives k / K. Source: arXiv 2406.03816, specs/learn/rest_mcts.
    """
    paths = paths_of(starts_E1, group_E, node_T)
    m_T, below_T = remaining(np.asarray(right_E, bool), paths)
    step_T = np.where(below_T, 1.0, -1.0) / m_T
    values_T = np.zeros(len(node_T))
    lengths_E = np.diff(paths.starts_E1)
    longest_first = np.argsort(-lengths_E, kind="stable")
    first, falling = paths.starts_E1[:-1][longest_first], -lengths_E[longest_first]
    carried = np.zeros(len(first))
    for k in range(int(lengths_E.max(initial=0))):
        here = first[: np.searchsorted(falling, -k)] + k  # paths longer than k stand first
        carried = carried[: len(here)]
        values_T[here] = carried = np.maximum(0.0, carried + (1.0 - carried) * step_T[here])
    return np.where(np.isfinite(m_T), values_T, np.nan)


def _least(x_N: np.ndarray, number_N: np.ndarray) -> np.ndarray:
    """The least entry among those with the same number, for each."""
    least = np.full(number_N.max(initial=-1) + 1, np.inf)
    np.minimum.at(least, number_N, x_N)
    return least[number_N]


@dataclass(frozen=True)
class RestMcts:
    """A_k = V_k - V_{k-1}, V the inferred process value; 0 in a group where nothing ended right."""

    name: ClassVar[str] = "rest-mcts"
    needs: ClassVar[frozenset[str]] = frozenset({"group", "branches"})
    unit: ClassVar[Unit] = "turn"
    biased: ClassVar[str] = (
        "a turn is paid for lying on the shortest right path that the tree happened to find, not for what it changed"
    )
    right: float = 1.0  # a path of this return or more ended right
    whiten: Whiten = "none"  # over what credit is whitened, each path's copy of a turn counted

    def __post_init__(self) -> None:
        check_whiten(self.whiten)

    def assign(self, x: CreditInput) -> CreditResult:
        group_E, node_T = x.given("group_E", self.name), x.given("node_T", self.name)
        values_T = np.nan_to_num(inferred_values(x.returns_E >= self.right, x.starts_E1, group_E, node_T))
        credit_T = values_T - previous_in_piece(values_T, x.starts_E1, np.zeros(len(x.done_E)))
        return CreditResult("turn", whiten_turns(credit_T, x, self.whiten))
