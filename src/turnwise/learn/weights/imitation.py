"""Behaviour cloning: cross-entropy on what the imitated player said (specs/learn/bc_family)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Batch, Episode, Seat, Update
from turnwise.learn.packing import minibatches
from turnwise.learn.partial import without_wrong
from turnwise.learn.sequences import Row, rows_of_seats
from turnwise.learn.weights.critic import monte_carlo, set_unit, spread
from turnwise.learn.weights.lots import lots_of, say, trained_rows
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.surrogate import clipped_value_loss
from turnwise.models.policy import Policy

PROBE_UNTIL = 0.75
"""Share of the steps in which the critic only looks at the policy's states; coupled from the start, its error keeps a
small policy from learning what the answers mean."""

NORMALISERS = ("action", "attended")


@dataclass(frozen=True)
class ImitationSettings:
    """How the imitated text is fitted."""

    lr: float = 2e-3
    epochs: int = 1
    batch: int = 32  # episodes per step
    batch_tokens: int = 16384  # tokens per forward pass
    weight_decay: float = 0.001
    max_norm: float = 1.0
    warmup: int = 20  # steps from 0 to lr, linear
    last_lr: float = 0.1  # share of lr left at the last step of a batch, reached linearly; 1 keeps it constant
    others: float = 0.0  # weight of the tokens that the world and the other seats wrote; LMRL-Gym's w_non
    normalise: str = "action"  # divisor of the loss: action tokens, or all attended tokens as in the reference code
    value: float = 0.5  # weight of a critic's error on the imitated episodes' reward-to-go; without a critic, nothing
    gamma: float = 1.0  # discount per turn of that reward-to-go
    wrong: str = ""  # signal below 0 on turns that carry no loss (turnwise.learn.partial); empty: all turns do

    def __post_init__(self) -> None:
        if self.normalise not in NORMALISERS:
            raise UnknownName("normaliser", self.normalise, NORMALISERS)
        if self.wrong and self.others:
            raise TurnwiseError(
                f"others={self.others:g} with wrong={self.wrong!r}: wrong turns would weigh as the world's tokens do",
                "one of the two",
                "leave out others, or wrong",
            )


@dataclass(frozen=True)
class Lesson:
    """What a critic is taught beside imitation, per row."""

    read: list[np.ndarray]  # int64 [V]: positions
    told: list[np.ndarray]  # float32 [V]: reward-to-go there
    spread: float  # variance of all that is told


class Imitation:
    """Learner: raise the log-probability of the turns of a batch's episodes.

        L = sum_t w_t * -log pi(x_t | x_<t)  /  (action tokens, or attended tokens)
        w_t = 1 for a token that the imitated player wrote, `others` for any other

    Args:
        policy: whose weights change.
        settings: see `ImitationSettings`.
        seed: orders the minibatches.
        seats: whose turns are imitated; several where one policy plays several seats.
    """

    needs = frozenset[str]()
    slot = "weights"

    def __init__(self, policy: Policy, settings: ImitationSettings, seed: int, seats: Sequence[Seat] = ("agent",)):
        self.policy, self.settings, self.seed, self.seats = policy, settings, seed, tuple(seats)
        self.optimiser = Optimiser(policy, settings.lr, settings.weight_decay, settings.max_norm)
        self.steps = 0

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """`epochs` passes over the batch; one update of the slot `weights`.

        Raises:
            TurnwiseError: there is nothing in the batch to imitate.
        """
        rows = rows_of_seats(batch.episodes, self.policy.chat, self.seats, self.policy.longest)
        if self.settings.wrong:
            rows = without_wrong(rows, batch, self.settings.wrong)
        lesson = self._lesson(batch.episodes, rows)
        useful = trained_rows(rows)
        rng = generator(self.seed, "imitation", self.steps)
        per_epoch = max(1, round(len({rows[i].episode for i in useful}) / self.settings.batch))
        losses: list[float] = []
        norms: list[float] = []
        total = self.settings.epochs * per_epoch
        for _ in range(self.settings.epochs):
            for part in minibatches([rows[i].episode for i in useful], per_epoch, rng):
                loss, norm = self._step(rows, [useful[k] for k in part], lesson, len(losses) / total)
                losses.append(loss)
                norms.append(norm)
                if progress is not None:
                    progress(len(losses) / total)
        before = self.policy.version
        self.policy.version += 1
        tail = max(1, len(losses) // 5)
        change = {
            "loss": float(np.mean(losses[-tail:])),
            "first_loss": losses[0],
            "gradient_norm": float(np.mean(norms)),
        }
        tokens = sum(len(rows[i]) for i in useful) * self.settings.epochs
        change |= {"steps": float(len(losses)), "tokens": float(tokens)}
        return [Update(self.slot, before, self.policy.version, change, "imitation")]

    def _lesson(self, episodes: Sequence[Episode], rows: Sequence[Row]) -> Lesson | None:
        """What the critic is taught on the way; None without one, or with several: theirs are other rewards."""
        if self.policy.critics != 1 or not self.settings.value:
            return None
        read, told = monte_carlo(episodes, rows, self.settings.gamma)
        variance = spread(told)
        set_unit(self.policy, told, np.array([variance]))
        return Lesson(read, told, variance)

    def _step(
        self, rows: Sequence[Row], chosen: Sequence[int], lesson: Lesson | None, past: float
    ) -> tuple[float, float]:
        """One step on the chosen rows; `past` is the share of the batch's steps that lies behind."""
        count = divisor([rows[i] for i in chosen], self.settings.normalise)
        read = None if lesson is None else lesson.read
        total = 0.0
        weighed = [weighted(row) for row in rows] if self.settings.others else rows
        for lot in lots_of(weighed, chosen, self.settings.batch_tokens, read, self.policy.device):
            said = say(self.policy, lot, probe=past < PROBE_UNTIL)
            loss = self._loss(said.logp, [rows[i] for i in lot.rows]) / count
            total += float(loss.detach())
            if lesson is not None and said.values is not None:
                reads = sum(len(lesson.read[i]) for i in chosen)
                told = torch.from_numpy(np.concatenate([lesson.told[i] for i in lot.rows])).to(self.policy.device)
                errors = clipped_value_loss(said.values, told, told, None)
                loss = loss + self.settings.value * errors.sum() / (reads * lesson.spread)
            loss.backward()
        self.steps += 1
        warm = min(1.0, self.steps / max(self.settings.warmup, 1))
        return total, self.optimiser.step(warm * (1.0 - (1.0 - self.settings.last_lr) * past))

    def _loss(self, logp: Tensor, rows: Sequence[Row]) -> Tensor:
        """-sum_t w_t * logp_t over the tokens of some rows that weigh anything."""
        if not self.settings.others:
            return -logp.sum()
        weight = np.concatenate([np.where(row.loss[1:], 1.0, self.settings.others) for row in rows])
        return -(logp * torch.from_numpy(weight.astype(np.float32)).to(logp.device)).sum()

    def save(self, directory: Path) -> None:
        """Optimiser state and step count."""
        self.optimiser.save(directory / "imitation.safetensors")
        (directory / "imitation.steps").write_text(str(self.steps))

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.optimiser.load(directory / "imitation.safetensors")
        self.steps = int((directory / "imitation.steps").read_text())


@torch.no_grad()
def imitation_loss(policy: Policy, rows: Sequence[Row], normalise: str = "action", batch_tokens: int = 16384) -> float:
    """The loss of `Imitation` on given rows, without a step: nats per token."""
    lots = lots_of(rows, range(len(rows)), batch_tokens, None, policy.device)
    return -sum(float(say(policy, lot).logp.sum()) for lot in lots) / divisor(rows, normalise)


def weighted(row: Row) -> Row:
    """The same row when every token that something precedes weighs something."""
    return replace(row, loss=np.arange(len(row)) > 0)


def divisor(rows: Sequence[Row], normalise: str) -> int:
    """What the summed loss is divided by: the action tokens, or all tokens that something precedes."""
    return sum(int(row.loss.sum()) if normalise == "action" else len(row) - 1 for row in rows)
