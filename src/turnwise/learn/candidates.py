"""Pairs of what was chosen at a step and what was not (specs/learn/sport).

R1   candidates that the world refused, the first two of them
R2   candidates that read differently: BLEU(candidate, chosen) < unlike; 0 leaves R2 out
pairs of a step   (chosen, r) for every r in R1 and R2
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from turnwise.core.types import ROOT, Episode
from turnwise.learn.bleu import bleu
from turnwise.learn.pairs import Pair, Side

Refused = Callable[[str, str], bool]
"""From a reply and what the world answered to whether it was an error."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the trunk."""

    chosen: int  # turn
    others: tuple[int, ...]  # turns of the candidates that were not chosen, in their order


def steps_of(tree: Episode) -> list[Step]:
    """The steps of a tree whose origin tells its trunk, in order."""
    steps = []
    for chosen in tree.origin.get("chosen", ()):
        parent = tree.turns[chosen].parent
        others = [i for i, turn in enumerate(tree.turns) if turn.parent == parent and i != chosen]
        steps.append(Step(chosen, tuple(i for i in others if tree.turns[i].seat == "agent")))
    return steps


def candidate_pairs(
    trees: Sequence[Episode], refused: Refused, unlike: float = 0.3, most_refused: int = 2
) -> list[Pair]:
    """Pairs of single turns, step by step.

    Args:
        trees: with a trunk in their origin; others give no pair.
        refused: what is an error.
        unlike: BLEU below which a candidate counts as another answer.
        most_refused: errors of a step that are taken.
    """
    pairs = []
    for number, tree in enumerate(trees):
        leaf_of, shown = leaves(tree), answers(tree)
        for step in steps_of(tree):
            said = {i: tree.turns[i].message.text for i in (step.chosen, *step.others)}
            wrong = [i for i in step.others if refused(said[i], shown.get(i, ""))][:most_refused]
            other = [i for i in step.others if bleu(said[i], said[step.chosen]) < unlike]
            better = Side(number, leaf_of[step.chosen], (step.chosen,))
            pairs += [Pair(better, Side(number, leaf_of[i], (i,))) for i in sorted({*wrong, *other})]
    return pairs


def leaves(tree: Episode) -> dict[int, int]:
    """Turn -> a path that holds it."""
    return {turn: leaf for leaf in reversed(range(len(tree.ends))) for turn in tree.path(leaf)}


def answers(tree: Episode) -> dict[int, str]:
    """Turn -> what the agent was shown after it."""
    shown = {turn.parent: turn.seen for turn in tree.turns if turn.parent != ROOT and turn.seat == "agent"}
    shown |= {leaf.turn: leaf.seen.get("agent", ()) for leaf in tree.ends}
    return {turn: "\n".join(message.text for message in seen) for turn, seen in shown.items()}
