"""The fewest expected moves to the goal for a player who only knows a set of cells it may be in.

Value iteration over the sets of cells that can be reached: a move takes every cell of a set along, and what is seen
then tells which of them it was. Where coordinates are told every set is one cell, and the plan is the shortest path.
"""

from __future__ import annotations

from functools import cache

from turnwise.worlds.maze_rules import MOVES, Sight, members

Outcomes = list[tuple[float, int]]  # (probability, set of cells then), the goal left out


class Plan:
    """Best moves by set of cells; sets never met before are solved when they are first asked for."""

    def __init__(self, sight: Sight):
        self.sight = sight
        self.costs: dict[int, float] = {}  # set of cells -> fewest expected moves to the goal
        self._best: dict[int, str] = {}

    def best(self, bits: int) -> str:
        """The best move, the first of equals in the order left, right, up, down."""
        if bits not in self._best:
            self._solve(bits)
        return self._best[bits]

    def outcomes(self, bits: int, move: str) -> Outcomes:
        """What a move from a set of equally likely cells leaves possible, by what is seen after it."""
        after, goal = self.sight.layout.after[move], self.sight.layout.number[self.sight.layout.goal]
        cells = [after[cell] for cell in members(bits)]
        seen: dict[str, list[int]] = {}
        for cell in cells:
            if cell != goal:
                seen.setdefault(self.sight.texts[cell], []).append(cell)
        return [(len(group) / len(cells), sum(1 << c for c in set(group))) for group in seen.values()]

    def _solve(self, bits: int) -> None:
        reached, ahead = [bits], {}
        for one in reached:
            ahead[one] = {move: self.outcomes(one, move) for move in MOVES}
            then = {b for outcomes in ahead[one].values() for _, b in outcomes}
            reached += [b for b in sorted(then) if b not in self._best and b not in reached]
        self.costs.update(dict.fromkeys(reached, 0.0))
        change = 1.0
        while change > 1e-10:
            change = 0.0
            for one in reached:
                cost = min(self._expected(outcomes) for outcomes in ahead[one].values())
                change, self.costs[one] = max(change, cost - self.costs[one]), cost
        for one in reached:
            expected = {move: round(self._expected(ahead[one][move]), 6) for move in MOVES}
            self._best[one] = min(expected, key=expected.__getitem__)

    def _expected(self, outcomes: Outcomes) -> float:
        return 1.0 + sum(probability * self.costs[bits] for probability, bits in outcomes)


@cache
def plan_of(sight: Sight) -> Plan:
    """The shared plan of a view of a maze."""
    return Plan(sight)
