"""Pairs of fragments of a reply that share their beginning (specs/learn/itool).

    worth(node) = mean of R over its visits
    pair (best, worst child of a node)   if  worth(best) - worth(worst) >= gap,  worth(best) >= least,
                                             overlap(best, worst) <= alike
    fast reward = (0.1 if fragment and reference agree on holding ")]" else -0.1) + overlap(reference, fragment) - 0.5

The mean is ours, and the fast reward is left out of it. The source compares value, the sum of the fast reward and of R
over the visits: it favours what was visited often, and the fast reward of a fragment in the middle of a reply, at most
-0.6 where it holds no whole word of the reference, stands against `least`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turnwise.core.types import Episode
from turnwise.learn.alternatives import overlap
from turnwise.learn.candidates import leaves
from turnwise.learn.pairs import Pair, Side

CLOSED = ")]"


def fragment_pairs(trees: Sequence[Episode], gap: float = 0.1, alike: float = 0.95, least: float = -0.3) -> list[Pair]:
    """At most one pair per node, in the order of the nodes.

    Args:
        trees: whose origin tells their fragments (`turnwise.explore.fragments`); others give no pair.
        gap: smallest difference in worth, in units of R.
        alike: largest overlap of the two texts.
        least: smallest worth of the better one.
    """
    pairs = []
    for number, tree in enumerate(trees):
        leaf_of = leaves(tree)
        for siblings in families(tree):
            best, worst = max(siblings, key=worth), min(siblings, key=worth)
            if worth(best) - worth(worst) < max(gap, 1e-9) or worth(best) < least:
                continue
            if overlap(best["text"], worst["text"]) <= alike:
                pairs.append(Pair(side_of(number, leaf_of, best), side_of(number, leaf_of, worst)))
    return pairs


def families(tree: Episode) -> list[list[Mapping[str, Any]]]:
    """The children of every node that has several."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for node in tree.origin.get("fragments", ()):
        found.setdefault(node["parent"], []).append(node)
    return [children for children in found.values() if len(children) > 1]


def worth(node: Mapping[str, Any]) -> float:
    """Mean of R."""
    return node["total"] / node["visits"]


def side_of(number: int, leaf_of: Mapping[int, int], node: Mapping[str, Any]) -> Side:
    """The tokens of a fragment, behind those that it shares with its siblings."""
    return Side(number, leaf_of[node["turn"]], (node["turn"],), (node["start"], node["end"]))


def fast_reward(fragment: str, reference: str | None = None) -> float:
    """From -0.6 to 0.6; without a reference only whether something is closed: 0.1 or -0.1."""
    if reference is None:
        return 0.1 if ")" in fragment else -0.1
    return (0.1 if (CLOSED in fragment) == (CLOSED in reference) else -0.1) + overlap(reference, fragment) - 0.5
