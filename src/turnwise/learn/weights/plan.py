"""A batch made ready for policy-gradient steps: which tokens learn, with what credit, and what a critic is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from turnwise.core.types import CreditTable
from turnwise.learn.credited import on_rows
from turnwise.learn.packing import minibatches, parts_of_size
from turnwise.learn.sequences import Row
from turnwise.learn.weights.lots import trained_rows


@dataclass(frozen=True, eq=False)
class Lesson:
    """What K critics are told: lists with one entry per row, positions in order."""

    read: list[np.ndarray]  # int64 [V]: positions at which they learn
    targets: list[np.ndarray]  # float32 [V, K]: what they should say there
    spread: np.ndarray  # float64 [K]: variance of each critic's targets
    old: list[np.ndarray] | None = None  # float32 [V, K]: what they said before the first step


@dataclass(frozen=True, eq=False)
class Plan:
    """Lists have one entry per row, M loss tokens in order."""

    rows: Sequence[Row]
    advantages: list[np.ndarray]  # float32 [M]
    lesson: Lesson
    reference: list[np.ndarray] | None = None  # float32 [M]: log-probabilities of the policy this learner started from
    older: frozenset[int] = frozenset()  # rows that an earlier policy said

    @cached_property
    def sampled(self) -> list[np.ndarray]:
        """float32 [M]: log-probabilities of the sampler."""
        return [row.logprobs[row.loss] for row in self.rows]

    @cached_property
    def own(self) -> list[float]:
        """Per row 1 where today's policy said it, 0 where an earlier one did."""
        return [float(number not in self.older) for number in range(len(self.rows))]

    @cached_property
    def trained(self) -> list[int]:
        """Rows that carry loss."""
        return trained_rows(self.rows)

    def kept(self, least: float) -> list[int]:
        """Rows of the episodes in which some token's credit is at least so large."""
        heard = {self.rows[i].episode for i in self.trained if np.abs(self.advantages[i]).max() >= least}
        return [i for i in self.trained if self.rows[i].episode in heard]

    def parts(self, kept: Sequence[int], count: int, rng: np.random.Generator) -> list[list[int]]:
        """The kept rows in minibatches: `count` of them where all are kept; where a filter left fewer, as many as
        their size asks for.
        """
        owners = [self.rows[i].episode for i in kept]
        if len(kept) == len(self.trained):
            return [[kept[k] for k in part] for part in minibatches(owners, count, rng)]
        return [[kept[k] for k in part] for part in parts_of_size(owners, self.full(count), rng)]

    def full(self, count: int) -> int:
        """Episodes of a full minibatch, when there are to be `count` of them."""
        return -(-self.episodes(self.trained) // count)

    def episodes(self, rows: Sequence[int]) -> int:
        """How many episodes some rows belong to."""
        return len({self.rows[i].episode for i in rows})

    def monitors(self) -> dict[str, float]:
        """Numbers that show trouble before the reward does (specs/learn/ppo_max): how much is said, and how surprising
        it is to the policy and to the one it started from.
        """
        said = np.concatenate(self.sampled)
        found = {"episode_tokens": len(said) / self.episodes(self.trained), "perplexity": float(np.exp(-said.mean()))}
        if self.reference is not None:
            found["start_perplexity"] = float(np.exp(-np.concatenate(self.reference).mean()))
        return found


def credited_rows(table: CreditTable, rows: Sequence[Row]) -> tuple[list[Row], list[np.ndarray]]:
    """The rows without loss where there is no credit, and the credit of every loss token, float32 [M] per row."""
    laid = on_rows(table.values, rows)
    held = [replace(row, loss=row.loss & ~np.isnan(credit)) for row, credit in zip(rows, laid, strict=True)]
    return held, [credit[row.loss] for credit, row in zip(laid, held, strict=True)]
