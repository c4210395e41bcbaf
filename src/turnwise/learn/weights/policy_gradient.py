"""Multi-turn policy gradient: PPO's clipped surrogate on credited turns, with reference KL, entropy bonus and value
loss.

With one epoch and one minibatch the ratio is 1 everywhere and this is REINFORCE on whatever credit it was given. Rules
differ only in the credit; masks, old log-probabilities, clipping and averaging are this shared code
(specs/credit/baselines).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, CreditTable, Episode, Update
from turnwise.learn.credited import RowValues, on_rows
from turnwise.learn.packing import minibatches
from turnwise.learn.sequences import Row, rows_of
from turnwise.learn.weights.averaging import check_averaging, token_weights
from turnwise.learn.weights.critic import critic_targets, spread, start_at_mean
from turnwise.learn.weights.lots import Lot, Said, logprobs, lots_of, say, trained_rows, without_loss
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.surrogate import clipped_surrogate, clipped_value_loss, k3
from turnwise.models.policy import Policy


@dataclass(frozen=True)
class PolicyGradientSettings:
    """How credit becomes a step."""

    lr: float = 3e-4
    epochs: int = 1  # passes over the batch
    minibatches: int = 4  # optimiser steps per pass
    warmup: int = 20  # steps from 0 to lr, linear: the first moments of Adam are of few batches
    batch_tokens: int = 16384  # tokens per forward pass
    clip_low: float = 0.2
    clip_high: float = 0.2
    dual_clip: float | None = 3.0  # None: plain PPO
    kl: float = 0.0  # weight of k3 to the policy this learner started from
    entropy: float = 0.0  # weight of the entropy bonus
    value: float = 0.5  # weight of the value loss; without a critic it has no effect and must be 0
    value_clip: float | None = None
    averaging: str = "token-mean"
    constant: float = 256.0  # divisor of the averaging `constant`, in tokens
    weight_decay: float = 0.0
    max_norm: float = 1.0
    tolerance: float = 1e-3  # largest accepted |recomputed - sampled log-probability| before the first step, in nats

    def __post_init__(self) -> None:
        check_averaging(self.averaging)


@dataclass
class Tally:
    """Sums over tokens and states, and the means a report shows."""

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    norms: list[float] = field(default_factory=list)
    gap: float = 0.0  # largest |recomputed - sampled log-probability| before the first step

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add values of one lot, [M] each."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach().sum())
            self.counts[name] = self.counts.get(name, 0) + len(value)

    def means(self) -> dict[str, float]:
        """Mean per entry, and the mean gradient norm per step."""
        found = {name: value / max(self.counts[name], 1) for name, value in self.sums.items()}
        return found | {"gradient_norm": float(np.mean(self.norms)) if self.norms else 0.0, "logprob_gap": self.gap}


class PolicyGradient:
    """Learner: loss = surrogate + kl * k3 - entropy * H + value * critic error, each averaged as the settings say.

    Args:
        policy: whose weights change; with a value head it is also the critic.
        settings: see `PolicyGradientSettings`.
        seed: orders the minibatches.
    """

    slot = "weights"

    def __init__(self, policy: Policy, settings: PolicyGradientSettings, seed: int):
        if policy.value_head is None and settings.value != 0.0:
            raise TurnwiseError(
                f"value = {settings.value} without a critic", "a rule with a critic, or value = 0", "set value=0"
            )
        self.policy, self.settings, self.seed = policy, settings, seed
        self.needs = frozenset({"tokens"})
        self.optimiser = Optimiser(policy, settings.lr, settings.weight_decay, settings.max_norm)
        self.steps = 0
        self.reference = frozen(policy) if settings.kl else None

    # -- before credit: what the policy itself says along the batch --------------------------------------------------

    def rows(self, episodes: Sequence[Episode]) -> list[Row]:
        """Training rows of the batch."""
        return rows_of(episodes, self.policy.chat, longest=self.policy.longest)

    @torch.no_grad()
    def values(self, rows: Sequence[Row]) -> list[RowValues] | None:
        """The critic at every position of every row; None without a critic."""
        if self.policy.value_head is None:
            return None
        everywhere = [np.arange(len(r)) for r in rows]
        found: list[RowValues | None] = [None] * len(rows)
        for lot in lots_of(
            [without_loss(r) for r in rows],
            range(len(rows)),
            self.settings.batch_tokens,
            everywhere,
            self.policy.device,
        ):
            said = say(self.policy, lot)
            assert said.values is not None
            parts = np.split(said.values.double().cpu().numpy(), np.cumsum(lot.lengths)[:-1])
            for number, part in zip(lot.rows, parts, strict=True):
                found[number] = RowValues(part)
        return found  # type: ignore[return-value]

    # -- the update ---------------------------------------------------------------------------------------------------

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """`epochs` passes of `minibatches` steps on the batch's one credit; one update of the slot `weights`.

        Raises:
            TurnwiseError: before the first step, if the tokens do not come from this policy at this temperature, or
                there is nothing to learn from.
        """
        (table,) = batch.credit.values()
        plan = self._plan(table, self.rows(batch.episodes))
        tally, rng = Tally(), generator(self.seed, "policy-gradient", self.steps)
        useful = trained_rows(plan.rows)
        total, taken = self.settings.epochs * self.settings.minibatches, 0
        for _ in range(self.settings.epochs):
            for part in minibatches([plan.rows[i].episode for i in useful], self.settings.minibatches, rng):
                self._step(plan, [useful[k] for k in part], tally, first=taken == 0)
                taken += 1
                if progress is not None:
                    progress(taken / total)
        before = self.policy.version
        self.policy.version += 1
        credit = np.concatenate(plan.advantages)
        change = tally.means() | {
            "loss_tokens": float(len(credit)),
            "zero_credit_share": float(np.mean(credit == 0.0)) if len(credit) else 1.0,
        }
        return [Update(self.slot, before, self.policy.version, change, table.name)]

    def _plan(self, table: CreditTable, rows: Sequence[Row]) -> Plan:
        laid = on_rows(table.values, rows)
        rows = [replace(row, loss=row.loss & ~np.isnan(credit)) for row, credit in zip(rows, laid, strict=True)]
        advantages = [credit[row.loss] for credit, row in zip(laid, rows, strict=True)]
        read, targets = critic_targets(table, rows)
        reference = None if self.reference is None else logprobs(self.reference, rows, self.settings.batch_tokens)
        old = None
        if self.settings.value_clip is not None and table.targets is not None:
            old = [v.values[where] for v, where in zip(self.values(rows) or (), read, strict=True)]
        sampled = [row.logprobs[row.loss] for row in rows]
        start_at_mean(self.policy, targets)
        return Plan(rows, advantages, sampled, read, targets, spread(targets), reference, old)

    def _step(self, plan: Plan, chosen: Sequence[int], tally: Tally, first: bool) -> None:
        """Accumulate one minibatch's gradient, however many forward passes it takes, and step."""
        s = self.settings
        counts = [len(plan.advantages[i]) for i in chosen]
        weight = dict(zip(chosen, token_weights(s.averaging, counts, s.constant), strict=True))
        reads = max(sum(len(plan.read[i]) for i in chosen), 1)
        worst = 0.0
        for lot in lots_of(plan.rows, chosen, s.batch_tokens, plan.read, self.policy.device):
            said = say(self.policy, lot)
            sampled = self._flat(lot, plan.sampled)
            if first:
                worst = max(worst, float((said.logp.detach() - sampled).abs().max()) if len(sampled) else 0.0)
            losses, numbers = self._token_losses(said, sampled, lot, plan)
            per_token = self._flat(lot, {i: np.full(len(plan.advantages[i]), weight[i]) for i in lot.rows})
            loss = (losses * per_token).sum()
            if s.value and said.values is not None and len(lot.read):
                old = said.values.detach() if plan.old is None else self._flat(lot, plan.old)
                errors = clipped_value_loss(said.values, old, self._flat(lot, plan.targets), s.value_clip)
                loss = loss + s.value * errors.sum() / (reads * plan.spread)
                numbers["unexplained"] = 2 * errors.detach() / plan.spread
            loss.backward()
            tally.add(numbers)
        if first:
            self._check_sampler(worst)
            tally.gap = worst
        self.steps += 1
        tally.norms.append(self.optimiser.step(min(1.0, self.steps / max(self.settings.warmup, 1))))

    def _token_losses(self, said: Said, sampled: Tensor, lot: Lot, plan: Plan) -> tuple[Tensor, dict[str, Tensor]]:
        s = self.settings
        surrogate, clipped = clipped_surrogate(
            said.logp, sampled, self._flat(lot, plan.advantages), s.clip_low, s.clip_high, s.dual_clip
        )
        losses = surrogate - s.entropy * said.entropy
        numbers = {"surrogate": surrogate, "entropy": said.entropy, "clip_fraction": clipped}
        if plan.reference is not None:
            penalty = k3(said.logp, self._flat(lot, plan.reference))
            losses = losses + s.kl * penalty
            numbers["kl"] = penalty
        return losses, numbers

    def _flat(self, lot: Lot, parts: Sequence[np.ndarray] | Mapping[int, np.ndarray]) -> Tensor:
        return torch.from_numpy(np.concatenate([parts[i] for i in lot.rows]).astype(np.float32)).to(self.policy.device)

    def _check_sampler(self, worst: float) -> None:
        if worst > self.settings.tolerance:
            self.optimiser.adam.zero_grad(set_to_none=True)
            raise TurnwiseError(
                f"the trainer's log-probabilities differ from the sampler's by up to {worst:.2g} nats",
                f"at most {self.settings.tolerance:g}: the tokens must come from this policy, at temperature 1",
                "use episodes of this round, or raise tolerance for low-precision weights",
            )

    def save(self, directory: Path) -> None:
        """Optimiser state, step count and, where there is one, the reference policy."""
        self.optimiser.save(directory / "policy-gradient.safetensors")
        (directory / "policy-gradient.steps").write_text(str(self.steps))
        if self.reference is not None:
            self.reference.save(directory / "reference")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.optimiser.load(directory / "policy-gradient.safetensors")
        self.steps = int((directory / "policy-gradient.steps").read_text())
        if self.reference is not None:
            self.reference = Policy.load(directory / "reference", device=self.policy.device, dtype=self.policy.dtype)


@dataclass(frozen=True)
class Plan:
    """A batch made ready: the lists have one entry per row, loss tokens and read positions in order."""

    rows: Sequence[Row]
    advantages: list[np.ndarray]  # float32 [M]
    sampled: list[np.ndarray]  # float32 [M]: log-probabilities of the sampler
    read: list[np.ndarray]  # int64 [V]: positions at which the critic learns
    targets: list[np.ndarray]  # float32 [V]: what it should say there
    spread: float  # variance of the targets
    reference: list[np.ndarray] | None  # float32 [M]: log-probabilities of the policy this learner started from
    old: list[np.ndarray] | None  # float32 [V]: the critic before the first step


def frozen(policy: Policy) -> Policy:
    """A copy that no learner changes."""
    twin = copy.deepcopy(policy)
    for parameter in twin.parameters():
        parameter.requires_grad_(False)
    return twin
