"""Preference learning: raise what was better and lower what was worse, as an objective says (dpo, kto, tdpo, simpo).

The learner is the same for all: sides become rows, rows become sums, the objective's slope pulls the tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from turnwise.core.chance import generator
from turnwise.core.errors import UnknownName
from turnwise.core.types import Batch, Episode, Update
from turnwise.learn.pairs import Example, Side
from turnwise.learn.sequences import Renderer, Row
from turnwise.learn.sides import side_rows
from turnwise.learn.weights.kto import strangers
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.policy_gradient import frozen
from turnwise.learn.weights.sums import Laid, Sums, kl_sums, logp_sums, pull
from turnwise.learn.weights.tally import Tally
from turnwise.models.policy import Policy

REFERENCES = ("round", "start")

Lay = Callable[[Sequence[Episode], Sequence[Side], Renderer | None], list[list[Row]]]
"""From the record and some sides of it to the rows of each, as `turnwise.learn.sides.side_rows` does."""


class Objective(Protocol):
    """A loss of examples, from the sums of their sides."""

    @property
    def name(self) -> str: ...
    @property
    def reads(self) -> frozenset[str]:
        """What it reads beside the policy's log-probabilities: reference, kl, strangers."""
        ...

    def losses(self, sums: Sums, examples: Sequence[Example]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss per example, and numbers to report."""
        ...


@dataclass(frozen=True)
class PreferenceSettings:
    """How preferences become steps."""

    lr: float = 1e-4
    epochs: int = 1  # passes over the examples
    batch: int = 16  # examples per step
    warmup: int = 10  # steps from 0 to lr, linear
    batch_tokens: int = 16384  # tokens per forward pass
    weight_decay: float = 0.0
    max_norm: float = 1.0
    reference: str = "round"  # the policy at the start of each batch, or at the start of the learner

    def __post_init__(self) -> None:
        if self.reference not in REFERENCES:
            raise UnknownName("reference", self.reference, REFERENCES)


class Preference:
    """Learner: steps on the mean loss of an objective over examples.

    Args:
        policy: whose weights change.
        objective: the loss.
        examples: from a batch, with draws, to its pairs or verdicts.
        settings: see `PreferenceSettings`.
        seed: draws the examples and orders them.
        lay: makes the rows of sides, and says which of their tokens count.
    """

    slot = "weights"

    def __init__(
        self,
        policy: Policy,
        objective: Objective,
        examples: Callable[[Batch, np.random.Generator], Sequence[Example]],
        settings: PreferenceSettings,
        seed: int,
        lay: Lay = side_rows,
    ):
        self.policy, self.objective, self.examples, self.lay = policy, objective, examples, lay
        self.settings, self.seed = settings, seed
        self.needs = frozenset({"group"})
        self.optimiser = Optimiser(policy, settings.lr, settings.weight_decay, settings.max_norm)
        self.steps = self.batches = 0
        keeps = settings.reference == "start" and "reference" in objective.reads
        self.reference = frozen(policy) if keeps else None

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """`epochs` passes over the batch's examples; one update of the slot `weights`. A batch in which nothing was
        better than anything else leaves the weights as they are, and the update says `examples` 0.
        """
        rng = generator(self.seed, "preference", self.batches)
        examples = self._trainable(batch, self.examples(batch, rng))
        reference = self.reference
        if reference is None and "reference" in self.objective.reads:
            reference = frozen(self.policy)
        per_epoch = -(-len(examples) // self.settings.batch)
        tally, taken = Tally(), 0
        for _ in range(self.settings.epochs if examples else 0):
            for part in np.array_split(rng.permutation(len(examples)), per_epoch):
                self._step([examples[i] for i in part], reference, tally)
                taken += 1
                if progress is not None:
                    progress(taken / (self.settings.epochs * per_epoch))
        self.batches += 1
        before = self.policy.version
        self.policy.version += 1
        change = {**tally.means(), "examples": float(len(examples)), "steps": float(taken)}
        return [Update(self.slot, before, self.policy.version, change, self.objective.name)]

    def _trainable(self, batch: Batch, examples: Sequence[Example]) -> list[tuple[Example, list[list[Row]]]]:
        """Each example with the rows of its sides; without those of which a side holds no token to learn."""
        sides = [side for example in examples for side in example.sides]
        rows = iter(self.lay(batch.episodes, sides, self.policy.chat))
        held = [(example, [next(rows) for _ in example.sides]) for example in examples]
        return [(example, of_sides) for example, of_sides in held if all(of_sides)]

    def _step(self, chosen: Sequence[tuple[Example, list[list[Row]]]], reference: Policy | None, tally: Tally) -> None:
        """One optimiser step on some examples."""
        sides = [rows for _, of_sides in chosen for rows in of_sides]
        laid, budget = Laid.of(sides), self.settings.batch_tokens
        sums = self._sums(laid, sides, reference)
        losses, numbers = self.objective.losses(sums, [example for example, _ in chosen])
        losses.mean().backward()
        pull(self.policy, reference, laid, sums, budget)
        self.steps += 1
        tally.add({"loss": losses, **numbers})
        tally.norms.append(self.optimiser.step(min(1.0, self.steps / max(self.settings.warmup, 1))))

    def _sums(self, laid: Laid, sides: Sequence[Sequence[Row]], reference: Policy | None) -> Sums:
        """What the objective reads, of every side."""
        reads, budget = self.objective.reads, self.settings.batch_tokens
        nothing = torch.zeros(laid.sides, dtype=torch.float64, device=self.policy.device)
        logp, told, kl, strange = logp_sums(self.policy, laid, budget), nothing, nothing.clone(), nothing
        if reference is not None:
            told = logp_sums(reference, laid, budget)
            if "kl" in reads:
                kl = kl_sums(self.policy, reference, laid, budget)
            if "strangers" in reads:
                other = Laid.of(strangers(sides, self.policy.longest))
                strange = logp_sums(self.policy, other, budget) - logp_sums(reference, other, budget)
        return Sums(logp.requires_grad_(), told, kl.requires_grad_(), laid.tokens(self.policy.device), strange)

    def save(self, directory: Path) -> None:
        """Optimiser state, counts and, where it stays the same, the reference policy."""
        self.optimiser.save(directory / "preference.safetensors")
        (directory / "preference.steps").write_text(f"{self.steps} {self.batches}")
        if self.reference is not None:
            self.reference.save(directory / "reference")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.optimiser.load(directory / "preference.safetensors")
        self.steps, self.batches = map(int, (directory / "preference.steps").read_text().split())
        if self.reference is not None:
            self.reference = Policy.load(directory / "reference", device=self.policy.device, dtype=self.policy.dtype)
