"""The program that facts describe, solved; how far another program's optimum is off (specs/users/lp-elicitation)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from turnwise.worlds.elicit_programs import AMOUNTS, DIRECTION, NONE, RULES, number, part_of

FAR = 1e8
"""Where the box is that closes what knows no bound; no story speaks of amounts as large."""


@dataclass(frozen=True)
class Program:
    """Least or greatest `goal @ x` with `left @ x <= right` and x >= 0."""

    goal: tuple[float, ...]
    least: bool
    left: tuple[tuple[float, ...], ...]
    right: tuple[float, ...]


def program(facts: Mapping[str, str]) -> Program:
    """What facts describe; a rule that they do not say in full is left out, an amount without a number counts 0."""
    facts = {name: value for name, value in facts.items() if value != NONE}
    size = sum(f"the name of {amount}" in facts or f"{amount} in the goal" in facts for amount in AMOUNTS)
    goal = tuple(number(facts.get(f"{amount} in the goal", "")) or 0.0 for amount in AMOUNTS[:size])
    rows = [row for rule in RULES if (row := inequality(facts, rule, size)) is not None]
    least = facts.get(DIRECTION, "") == "as low as possible"
    return Program(goal, least, tuple(left for left, _ in rows), tuple(right for _, right in rows))


def inequality(facts: Mapping[str, str], rule: str, size: int) -> tuple[tuple[float, ...], float] | None:
    """A rule as (coefficients, limit) of `coefficients @ x <= limit`; None where it is not said in full."""
    said = {part: facts.get(part_of(part, rule), "") for part in ("kind", "sign", "limit", "subject", "rival")}
    kind, limit = said["kind"], number(said["limit"])
    own = {name: np.eye(size)[at] for at, name in enumerate(AMOUNTS[:size])}
    one, other = own.get(said["subject"]), own.get(said["rival"])
    at_least = said["sign"] == "at least" or kind == "a least amount"
    if not said["sign"] and kind not in ("a least amount", "a most amount"):
        return None
    left, right = None, limit
    if kind == "a weighted total":
        terms = [number(facts.get(part_of(amount, rule), "")) for amount in AMOUNTS[:size]]
        left = np.array([term or 0.0 for term in terms]) if any(term is not None for term in terms) else None
    elif kind == "a plain total":
        left = np.ones(size)
    elif kind in ("a least amount", "a most amount"):
        left = one
    elif kind == "a share of the total" and one is not None and limit is not None:
        left, right = one - limit * np.ones(size), 0.0
    elif one is not None and other is not None:
        factor = 1.0 if kind == "one against another" else limit
        left, right = (one - factor * other, 0.0) if factor is not None else (None, None)
    if left is None or right is None:
        return None
    sign = -1.0 if at_least else 1.0
    return tuple((sign * left).tolist()), sign * right


@lru_cache(maxsize=1 << 15)
def optimum(of: Program) -> float | None:
    """z*; None where nothing is feasible, or the goal knows no bound.

    With two or three amounts the corners can be listed: a box that is far away closes the region, and where the best
    corner lies on it there was no bound.
    """
    size = len(of.goal)
    if not size:
        return None
    left = np.array([*of.left, *np.eye(size), *-np.eye(size)]).reshape(-1, size)
    right = np.array([*of.right, *[FAR] * size, *[0.0] * size])
    corners = _corners(left, right)
    if not len(corners):
        return None
    worth = corners @ np.array(of.goal)
    best = worth.min() if of.least else worth.max()
    bounded = (corners.max(axis=1) < 0.99 * FAR) & np.isclose(worth, best, rtol=1e-9, atol=1e-9)
    return float(best) if bounded.any() else None


def _corners(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Feasible points where as many planes meet as there are amounts: float64 [corners, amounts]."""
    chosen = _choices(len(left), left.shape[1])
    planes, limits = left[chosen], right[chosen]
    proper = np.abs(np.linalg.det(planes)) > 1e-9
    points = np.linalg.solve(planes[proper], limits[proper][..., None])[..., 0]
    slack = 1e-7 * (1.0 + np.abs(right))
    return points[(points @ left.T <= right + slack).all(axis=1)]


@lru_cache(maxsize=64)
def _choices(planes: int, size: int) -> np.ndarray:
    return np.array(list(combinations(range(planes), size)))


def optimum_gap(recovered: Mapping[str, str], true: Mapping[str, str]) -> float | None:
    """|z_hat - z*| / max(1, |z*|); None where one of the two programs has no optimum."""
    found, best = optimum(program(recovered)), optimum(program(true))
    return None if found is None or best is None else abs(found - best) / max(1.0, abs(best))
