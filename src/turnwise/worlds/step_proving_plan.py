"""step-proving seen by a planner: what a goal falls into, when two goals are one, and whether a proof with lemmas holds
(specs/worlds/step-proving).

A lemma is a fact without hypotheses: what it stood under goes in front of it, h1 -> (h2 -> goal). Its proof is checked
from the start wherever it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from turnwise.worlds.step_proving_rules import Formula, Goal, applied, joined, proves, usable
from turnwise.worlds.step_proving_theorems import named


class Proved(Protocol):
    """A fact: a goal, the tactics that prove it, and the facts that these use."""

    @property
    def goal(self) -> Goal: ...
    @property
    def proof(self) -> Sequence[str]: ...
    @property
    def lemmas(self) -> Mapping[Goal, Proved]: ...


def closed(goal: Goal) -> Formula:
    """The goal as one formula."""
    formula = goal.formula
    for hypothesis in reversed(goal.hypotheses):
        formula = ("->", hypothesis, formula)
    return formula


def name(goal: Goal) -> tuple[int, Formula]:
    """The same for goals that differ in their letters alone; tactics name no letter, so one proof does for all."""
    return len(goal.hypotheses), named(closed(goal))


def with_lemmas(goal: Goal, lemmas: Sequence[Goal]) -> Goal:
    """The goal with facts among its hypotheses."""
    return Goal(joined(goal.hypotheses, *(closed(lemma) for lemma in lemmas)), goal.formula)


def holds(fact: Proved) -> bool:
    """Whether a fact is proved, lemmas and all, from nothing."""
    known = all(name(lemma) == name(other.goal) and holds(other) for lemma, other in fact.lemmas.items())
    tactics = [said.removesuffix("\n") for said in fact.proof]
    return known and proves(with_lemmas(fact.goal, tuple(fact.lemmas)), tactics)


def parts(goal: Goal) -> tuple[Goal, ...]:
    """Two or more goals that it falls into: both sides of a conjunction, or a goal for each case of a disjunction that
    is known; nothing where it has no such parts.
    """
    while goal.formula[0] == "->":
        (goal,) = applied(goal, "intro") or ()
    if goal.formula[0] == "&":
        sides = applied(goal, "split") or ()
        return tuple(part for side in sides for part in (parts(side) if side.formula[0] == "&" else (side,)))
    split = {tactic: left for tactic, left in usable(goal).items() if tactic.startswith("cases")}
    for left in split.values():
        if len(left) == 2:
            return left
    for left in split.values():
        return parts(left[0])
    return ()
