"""The shortest proof of a goal, in tactics: what grades the theorems of step-proving.

Open goals do not touch each other, so the shortest proof of several is made of the shortest proof of each:

    least(goal) = min over tactics of ( 1 + sum over the goals that are left of least(goal') )
"""

from __future__ import annotations

from turnwise.worlds.step_proving_rules import Formula, Goal, usable


class Shortest:
    """Shortest proofs, remembered from goal to goal; hypotheses in another order make the same goal."""

    def __init__(self) -> None:
        self.known: dict[tuple[frozenset[Formula], Formula], int] = {}  # length of the shortest proof
        self.refused: dict[tuple[frozenset[Formula], Formula], int] = {}  # there is none of so many tactics or fewer

    def length(self, goal: Goal, most: int) -> int | None:
        """Tactics of the shortest proof; None where it has more than `most`, or none exists."""
        for bound in range(1, most + 1):
            if (found := self._least(goal, bound)) is not None:
                return found
        return None

    def tactic(self, goal: Goal, most: int) -> str | None:
        """The first tactic of a shortest proof."""
        whole = self.length(goal, most)
        if whole is None:
            return None
        for tactic, left in usable(goal).items():
            rest = [self.length(other, whole - 1) for other in left]
            if None not in rest and sum(n for n in rest if n is not None) == whole - 1:
                return tactic
        raise AssertionError("a proof without a first tactic")

    def _least(self, goal: Goal, bound: int) -> int | None:
        key = frozenset(goal.hypotheses), goal.formula
        if key in self.known:
            return self.known[key] if self.known[key] <= bound else None
        if bound <= self.refused.get(key, 0):
            return None
        best = bound + 1
        for left in usable(goal).values():
            spent = self._together(left, best - 2)
            best = best if spent is None else spent + 1
        if best > bound:
            self.refused[key] = bound
            return None
        self.known[key] = best
        return best

    def _together(self, goals: tuple[Goal, ...], bound: int) -> int | None:
        """The sum over some goals, where that is at most `bound`."""
        total = 0
        for number, goal in enumerate(goals):
            others = len(goals) - number - 1  # each of them takes one tactic at least
            found = self._least(goal, bound - total - others)
            if found is None:
                return None
            total += found
        return total if total <= bound else None
