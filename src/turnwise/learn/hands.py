"""Episodes that change hands: which turns are the learner's own, and what each of them is credited with
(specs/learn/rlgf).

    the learner ends it     PPO++: the learner's turns alone, by the learner's critic V
    the guide ends it       AggreVaTeD: the whole path by the critic of the guide V', so what a turn is credited with is
                            the guide's cost-to-go; kept at the learner's turns

No guide's turn has credit, so none carries loss; and where the guide ends it the learner's critic is told nothing,
since what followed is not the learner's doing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from turnwise.core.errors import UnknownName
from turnwise.core.types import CreditTable, Episode
from turnwise.credit.rule import CreditRule
from turnwise.credit.whiten import Whiten, whiten
from turnwise.learn.credited import RowValues, credit_table
from turnwise.learn.sequences import Row

Trains = Literal["prefix", "switch"]
TRAINS = ("prefix", "switch")

ValuesOf = Callable[[Sequence[Row]], Sequence[RowValues]]
"""A critic, asked along rows."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Who wrote what in a batch.

    Args:
        episodes: straight ones.
        writer: who signs the turns that are not the learner's (`Message.writer`).
        seat: whose turns are meant.
    """

    episodes: Sequence[Episode]
    writer: str
    seat: str = "agent"

    def guided(self, episode: int) -> list[int]:
        """The guide's turns."""
        turns = enumerate(self.episodes[episode].turns)
        return [i for i, t in turns if t.seat == self.seat and t.message.writer == self.writer]

    def own(self, episode: int) -> list[int]:
        """The learner's turns."""
        turns = enumerate(self.episodes[episode].turns)
        return [i for i, t in turns if t.seat == self.seat and t.message.writer != self.writer]

    def guide_ends(self, episode: int) -> bool:
        """Whether the last word was the guide's."""
        return max(self.guided(episode), default=-1) > max(self.own(episode), default=-1)

    def guided_rows(self, rows: Sequence[Row]) -> list[bool]:
        """Whether each row holds turns of the guide; it then holds no others, since whoever takes over reads the whole
        view.
        """
        turns = [set(self.guided(e)) for e in range(len(self.episodes))]
        return [any(span.turn in turns[row.episode] for span in row.spans) for row in rows]


def check_trains(trains: str) -> None:
    """Refuse a misspelt setting."""
    if trains not in TRAINS:
        raise UnknownName("part to train where the guide ends", trains, TRAINS)


def handed_credit(
    rule: CreditRule,
    hands: Hands,
    rows: Sequence[Row],
    values: ValuesOf,
    guide_values: ValuesOf,
    trains: Trains = "prefix",
    over: Whiten = "none",
) -> CreditTable:
    """Credit of the learner's turns, nan at all others.

    Args:
        rule: for a critic that speaks once per turn, without whitening of its own.
        rows: of the episodes.
        values, guide_values: the learner's critic, and the guide's.
        trains: where the guide ends it: all the learner's turns, or the last one alone (the switching act, as in the
            paper of AggreVaTeD).
        over: what is whitened over, of all that has credit.
    """
    theirs = {e for e in range(len(hands.episodes)) if hands.guide_ends(e)}
    guided = zip(rows, hands.guided_rows(rows), strict=True)
    ours = [row for row, signed in guided if not signed and row.episode not in theirs]
    shared = [row for row in rows if row.episode in theirs]
    by_learner = credit_table(rule, hands.episodes, ours, values(ours))
    by_guide = credit_table(rule, hands.episodes, shared, guide_values(shared))
    credit, targets = [list(given) for given in by_learner.values], [list(given) for given in by_learner.targets or ()]
    for e in theirs:
        for turn in hands.own(e)[-1 if trains == "switch" else 0 :]:
            credit[e][turn] = by_guide.values[e][turn]
    return CreditTable(rule.name, "turn", whitened(credit, rows, over), targets)


def whitened(credit: Sequence[Sequence[float]], rows: Sequence[Row], over: Whiten) -> list[list[float]]:
    """The same layout brought to mean 0 and spread 1 over the turns that have credit, each counted once or by its
    tokens.
    """
    spans = {(row.episode, span.turn): span.end - span.start for row in rows for span in row.spans}
    there = [(e, t) for e, given in enumerate(credit) for t, value in enumerate(given) if not math.isnan(value)]
    if over == "none" or not there:
        return [list(given) for given in credit]
    flat = np.array([credit[e][t] for e, t in there])
    weights = np.array([float(spans[place]) for place in there]) if over == "tokens" else None
    laid = [[math.nan] * len(given) for given in credit]
    for (e, t), value in zip(there, whiten(flat, weights).tolist(), strict=True):
        laid[e][t] = value
    return laid
