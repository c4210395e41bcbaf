"""What learners of word values share: rows in small steps, and one loss per token that somebody else supplies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from turnwise.core.chance import generator
from turnwise.core.types import Batch, Update
from turnwise.learn.action_tokens import Numbered, numbered
from turnwise.learn.packing import minibatches
from turnwise.learn.sequences import Row, rows_of
from turnwise.learn.weights.lots import Lot, lots_of, trained_rows
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.models import ragged
from turnwise.models.guided import Guided
from turnwise.models.values import Values

BETAS = (0.9, 0.95)
"""Of AdamW, as in LMRL-Gym."""


@dataclass(frozen=True)
class ValueSettings:
    """How values are fitted to a batch of finished episodes (LMRL-Gym's scripts)."""

    lr: float = 1e-4
    epochs: int = 1
    batch: int = 32  # rows per step: whole conversations, or their segments where the view forgets
    batch_tokens: int = 16384  # tokens per forward pass
    gamma: float = 0.99  # discount per action token
    cql: float = 0.01  # weight of the cross-entropy that keeps unseen tokens low
    weight_decay: float = 0.0
    max_norm: float = 1.0
    warmup: int = 20  # steps from 0 to lr, linear
    last_lr: float = 1.0  # share of lr left at the last step of a batch, reached linearly; 1 keeps it constant


@dataclass(frozen=True, slots=True)
class Data:
    """A batch made ready."""

    rows: Sequence[Row]
    tokens: Sequence[Numbered]  # of each row

    def gather(self, lot: Lot, name: str) -> np.ndarray:
        """One column of the tokens that carry loss, in the order in which they lie in the lot."""
        return np.concatenate([getattr(self.tokens[i], name) for i in lot.rows])


class LossOf(Protocol):
    """A loss per token: sums over a lot that add up to the step's."""

    def __call__(self, data: Data, lot: Lot) -> dict[str, Tensor]: ...


class ValueLearner:
    """Learner: fits the values of a guided policy; the policy that speaks is left as it is.

    Args:
        guided: whose values change.
        settings: see `ValueSettings`.
        seed: orders the minibatches.
    """

    needs = frozenset[str]()
    slot = "weights"
    name = "values"
    backup = "token"  # see `turnwise.learn.action_tokens`

    def __init__(self, guided: Guided, settings: ValueSettings, seed: int):
        guided.begin()
        self.policy, self.settings, self.seed = guided, settings, seed
        self.optimiser = Optimiser(guided.values, settings.lr, settings.weight_decay, settings.max_norm, BETAS)
        self.steps = 0

    @property
    def values(self) -> Values:
        return self.policy.values

    def losses(self, data: Data, lot: Lot) -> dict[str, Tensor]:
        """Loss terms, each [M] over the lot's loss tokens, already weighted: their sum is descended."""
        raise NotImplementedError

    def after_step(self) -> None:
        """What follows an optimiser step; nothing by default."""

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """`epochs` passes over the batch's rows; one update of the slot `weights`.

        Raises:
            TurnwiseError: there is nothing in the batch to learn from.
        """
        s = self.settings
        rows = rows_of(batch.episodes, self.policy.chat, longest=self.policy.longest)
        data = Data(rows, numbered(batch.episodes, rows, s.gamma, self.backup))
        useful = trained_rows(rows)
        rng = generator(self.seed, self.name, self.steps)
        per_epoch = max(1, round(len(useful) / s.batch))
        found: list[dict[str, float]] = []
        for _ in range(s.epochs):
            for part in minibatches(range(len(useful)), per_epoch, rng):
                found.append(self._step(data, [useful[k] for k in part], len(found) / (s.epochs * per_epoch)))
                if progress is not None:
                    progress(len(found) / (s.epochs * per_epoch))
        before = self.policy.version
        self.policy.version += 1
        tail = found[-max(1, len(found) // 5) :]
        change = {name: float(np.mean([one[name] for one in tail])) for name in found[0]}
        change["value_steps"] = float(len(found))
        return [Update(self.slot, before, self.policy.version, change, self.name)]

    def _step(self, data: Data, chosen: Sequence[int], past: float) -> dict[str, float]:
        """One step on the chosen rows, a share `past` of all steps lying behind; means per token."""
        count = sum(len(data.tokens[i].rewards) for i in chosen)
        sums: dict[str, float] = {}
        for lot in lots_of(data.rows, chosen, self.settings.batch_tokens, None, self.policy.device):
            terms = self.losses(data, lot)
            (sum(term.sum() for term in terms.values()) / count).backward()  # type: ignore[union-attr]
            for name, term in terms.items():
                sums[name] = sums.get(name, 0.0) + float(term.detach().sum()) / count
        self.steps += 1
        warm = min(1.0, self.steps / max(self.settings.warmup, 1))
        norm = self.optimiser.step(warm * (1.0 - (1.0 - self.settings.last_lr) * past))
        self.after_step()
        return sums | {"gradient_norm": norm}

    def save(self, directory: Path) -> None:
        """Optimiser state and step count."""
        self.optimiser.save(directory / "values.safetensors")
        (directory / "values.steps").write_text(str(self.steps))

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.optimiser.load(directory / "values.safetensors")
        self.steps = int((directory / "values.steps").read_text())


def states(values: Values, lot: Lot, extra: np.ndarray | None = None) -> tuple[Tensor, Tensor]:
    """Last hidden states in which the lot's loss tokens were chosen [M, width], and the tokens int64 [M]; then those at
    `extra` flat positions, behind the M.
    """
    at = lot.loss - 1 if extra is None else np.concatenate([lot.loss - 1, extra])
    device = lot.ids.device
    hidden = hidden_at(values, lot.ids, lot.lengths, at)
    return hidden, lot.ids[torch.from_numpy(lot.loss).to(device)]


def hidden_at(values: Values, ids: Tensor, lengths: Sequence[int], at: np.ndarray) -> Tensor:
    """Packed rows -> last hidden states at flat positions, [len(at), width]."""
    where = torch.from_numpy(ragged.positions(np.asarray(lengths, np.int64))).to(ids.device)
    hidden = values.read(ids, where, ragged.Packed(lengths, ids.device))
    return hidden.index_select(0, torch.from_numpy(at.astype(np.int64)).to(ids.device))


def like(values: np.ndarray, device: torch.device) -> Tensor:
    """Numbers of the record on the model's device, float32."""
    return torch.from_numpy(values.astype(np.float32)).to(device)
