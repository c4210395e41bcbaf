"""Multi-turn policy gradient: PPO's clipped surrogate on credited turns, with reference KL, entropy bonus and value
loss.

With one epoch and one minibatch the ratio is 1 everywhere and this is REINFORCE on whatever credit it was given. Rules
differ only in the credit; masks, old log-probabilities, clipping and averaging are this shared code
(specs/credit/baselines).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, CreditTable, Episode, Seat, Update
from turnwise.learn.credited import RowValues
from turnwise.learn.seats import of_seats
from turnwise.learn.sequences import Row, rows_of_seats
from turnwise.learn.weights.averaging import check_averaging, token_weights
from turnwise.learn.weights.critic import Unit, lesson_of, set_unit
from turnwise.learn.weights.lots import Lot, Said, logprobs, lots_of, say, without_loss
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.plan import Plan, credited_rows
from turnwise.learn.weights.ratio import RATIOS, WHOLE, check_ratio, differences, drift, whole_ratios
from turnwise.learn.weights.surrogate import clipped_surrogate, clipped_value_loss, k3
from turnwise.learn.weights.tally import Tally
from turnwise.models.policy import Policy


@dataclass(frozen=True)
class PolicyGradientSettings:
    """How credit becomes a step."""

    lr: float = 3e-4
    epochs: int = 1  # passes over the batch
    minibatches: int = 4  # optimiser steps per pass
    warmup: int = 20  # steps from 0 to lr, linear: the first moments of Adam are of few batches
    batch_tokens: int = 16384  # tokens per forward pass
    ratio: str = "token"  # whose ratio is clipped: token, episode, or none
    clip_low: float = 0.2
    clip_high: float = 0.2
    dual_clip: float | None = 3.0  # None: plain PPO
    least_credit: float = 0.0  # episodes in which no token's credit is so large are left out (LOOP: 0.01)
    kl_limit: float | None = None  # nats per episode: no further epoch once the policy is so far from the sampler
    kl: float = 0.0  # weight of k3 to the policy this learner started from
    reference: bool = False  # keep that policy even without such a term: how far one went is then measured
    entropy: float = 0.0  # weight of the entropy bonus
    entropy_target: float | None = None  # nats per token: the weight is then of |mean entropy - target|, a cost
    value: float = 0.5  # weight of the value loss; without a critic it has no effect and must be 0
    value_clip: float | None = None
    averaging: str = "token-mean"
    constant: float = 256.0  # divisor of the averaging `constant`, in tokens
    weight_decay: float = 0.0
    max_norm: float = 1.0
    tolerance: float = 1e-3  # largest accepted |recomputed - sampled log-probability| before the first step, in nats

    def __post_init__(self) -> None:
        check_averaging(self.averaging)
        check_ratio(self.ratio)


class PolicyGradient:
    """Learner: loss = surrogate + kl * k3 - entropy * H + value * critic error, each averaged as the settings say.

    Args:
        policy: whose weights change; with value heads it is also the critic, or several.
        settings: see `PolicyGradientSettings`.
        seed: orders the minibatches.
        seats: whose turns are learned from; several where one policy plays several seats.
    """

    slot = "weights"

    def __init__(self, policy: Policy, settings: PolicyGradientSettings, seed: int, seats: Sequence[Seat] = ("agent",)):
        if policy.value_head is None and settings.value != 0.0:
            raise TurnwiseError(
                f"value = {settings.value} without a critic", "a rule with a critic, or value = 0", "set value=0"
            )
        self.policy, self.settings, self.seed, self.seats = policy, settings, seed, tuple(seats)
        self.needs = frozenset({"tokens"})
        self.optimiser = Optimiser(policy, settings.lr, settings.weight_decay, settings.max_norm)
        self.steps, self.unit = 0, Unit()
        self.reference = frozen(policy) if settings.kl or settings.reference else None

    # -- before credit: what the policy itself says along the batch --------------------------------------------------

    def rows(self, episodes: Sequence[Episode], seats: Sequence[Seat] = ()) -> list[Row]:
        """Training rows of the batch, seat by seat; of all seats that learn, or of some."""
        return rows_of_seats(episodes, self.policy.chat, seats or self.seats, self.policy.longest)

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

    def from_reference(self, rows: Sequence[Row]) -> list[np.ndarray]:
        """log pi - log pi_ref of every sampled token of every row, float32 [N] each, 0 elsewhere; pi is the sampler.

        Raises:
            TurnwiseError: there is no reference.
        """
        if self.reference is None:
            raise TurnwiseError("a KL to the start without a reference", "kl > 0, or reference=True")
        found = [np.zeros(len(row), np.float32) for row in rows]
        for row, there, out in zip(rows, self._by_reference(rows) or (), found, strict=True):
            out[row.loss] = row.logprobs[row.loss] - there
        return found

    # -- the update ---------------------------------------------------------------------------------------------------

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """`epochs` passes of `minibatches` steps on its seats' credit; one update of the slot `weights`. Where
        every episode's credit is too small to learn from, the weights stay as they are and the update says `steps` 0.

        Raises:
            TurnwiseError: before the first step, if the tokens do not come from this policy at this temperature, or
                there is nothing to learn from.
        """
        table = of_seats(batch.credit.values(), self.seats)
        s, tally, rng = self.settings, Tally(), generator(self.seed, "policy-gradient", self.steps)
        plan = self._plan(table, self.rows(batch.episodes))
        kept, first, far = plan.kept(s.least_credit), self.steps, 0.0
        for epoch in range(s.epochs if kept else 0):
            parts = plan.parts(kept, s.minibatches, rng)
            for number, part in enumerate(parts):
                self._step(plan, part, tally, first=self.steps == first)
                if progress is not None:
                    progress((epoch + (number + 1) / len(parts)) / s.epochs)
            if s.kl_limit is not None:
                far = drift(differences(self.policy, plan.rows, plan.sampled, kept, s.batch_tokens), plan.rows)
                if far > s.kl_limit:
                    break
        if progress is not None:
            progress(1.0)
        before = self.policy.version
        self.policy.version += 1
        change = tally.means() | plan.monitors() | {"steps": float(self.steps - first)}
        change |= {"loss_tokens": float(sum(map(len, plan.advantages))), "zero_credit_share": zero_share(plan)}
        if s.least_credit:
            change["kept_share"] = plan.episodes(kept) / plan.episodes(plan.trained)
        if s.kl_limit is not None:
            change["kl_sampler"] = far
        return [Update(self.slot, before, self.policy.version, change, table.name)]

    def _plan(self, table: CreditTable, rows: Sequence[Row]) -> Plan:
        rows, advantages = credited_rows(table, rows)
        lesson = lesson_of(table, rows, self.unit)
        set_unit(self.policy, lesson.targets, lesson.spread)
        if self.settings.value_clip is not None and any(map(len, lesson.read)):
            said, critics = self.values(rows) or (), self.policy.critics
            old = [v.values[where].reshape(-1, critics) for v, where in zip(said, lesson.read, strict=True)]
            lesson = replace(lesson, old=old)
        return Plan(rows, advantages, lesson, self._by_reference(rows))

    def _by_reference(self, rows: Sequence[Row]) -> list[np.ndarray] | None:
        return None if self.reference is None else logprobs(self.reference, rows, self.settings.batch_tokens)

    def _step(self, plan: Plan, chosen: Sequence[int], tally: Tally, first: bool) -> None:
        """Accumulate one minibatch's gradient, however many forward passes it takes, and step."""
        s = self.settings
        counts, owners = [len(plan.advantages[i]) for i in chosen], [plan.rows[i].episode for i in chosen]
        weights = token_weights(s.averaging, counts, s.constant, owners, plan.full(s.minibatches))
        weight = dict(zip(chosen, weights, strict=True))
        whole = self._whole(plan, chosen)
        pull = self._entropy_pull(plan, chosen)
        gaps: list[np.ndarray] = []
        for lot in lots_of(plan.rows, chosen, s.batch_tokens, plan.lesson.read, self.policy.device):
            said = say(self.policy, lot)
            sampled = self._flat(lot, plan.sampled)
            if first:
                gap = (said.logp.detach() - sampled).abs() * self._each(lot, plan, plan.own)
                gaps.append(gap.cpu().numpy())
            losses, numbers = self._token_losses(said, sampled, self._each(lot, plan, whole), lot, plan)
            loss = ((losses + pull * said.entropy) * self._each(lot, plan, weight)).sum()
            if s.value and said.values is not None and len(lot.read):
                errors, clipped = self._critic_errors(said.values, lot, plan)
                loss = loss + s.value * errors.sum() / max(sum(len(plan.lesson.read[i]) for i in chosen), 1)
                numbers |= {"value_explained": 1 - 2 * errors.detach(), "value_clip_fraction": clipped}
            loss.backward()
            tally.add(numbers)
        if first:
            tally.gaps += gaps
            self._check_sampler(tally.gap)
        self.steps += 1
        tally.norms.append(self.optimiser.step(min(1.0, self.steps / max(self.settings.warmup, 1))))

    def _token_losses(
        self, said: Said, sampled: Tensor, whole: Tensor, lot: Lot, plan: Plan
    ) -> tuple[Tensor, dict[str, Tensor]]:
        s = self.settings
        log_ratio = RATIOS[s.ratio](said.logp, sampled, whole)
        losses, clipped = clipped_surrogate(
            log_ratio, self._flat(lot, plan.advantages), s.clip_low, s.clip_high, s.dual_clip
        )
        numbers = {"surrogate": losses, "entropy": said.entropy, "clip_fraction": clipped}
        if plan.reference is not None:
            penalty = k3(said.logp, self._flat(lot, plan.reference))
            losses = losses + s.kl * penalty
            numbers["kl"] = penalty
        return losses, numbers

    def _critic_errors(self, values: Tensor, lot: Lot, plan: Plan) -> tuple[Tensor, Tensor]:
        """Loss of every critic where it learns, in units of the variance of its targets, and whether its value had
        moved further than the clip allows, [V, K] each.
        """
        values, lesson = values.reshape(len(lot.read), -1), plan.lesson
        old = values.detach() if lesson.old is None else self._flat(lot, lesson.old)
        clip = self.settings.value_clip
        errors = clipped_value_loss(values, old, self._flat(lot, lesson.targets), clip)
        moved = (values.detach() - old).abs() > (np.inf if clip is None else clip)
        return errors / torch.from_numpy(lesson.spread.astype(np.float32)).to(errors.device), moved.float()

    def _whole(self, plan: Plan, chosen: Sequence[int]) -> Mapping[int, float]:
        """Log-ratio of the episode of each chosen row, where the surrogate reads it."""
        if self.settings.ratio not in WHOLE:
            return dict.fromkeys(chosen, 0.0)
        found = differences(self.policy, plan.rows, plan.sampled, chosen, self.settings.batch_tokens)
        return whole_ratios(found, plan.rows)

    @torch.no_grad()
    def _entropy_pull(self, plan: Plan, chosen: Sequence[int]) -> float:
        """What a nat of entropy adds to the loss: minus its weight as a bonus; with a target, towards it."""
        s = self.settings
        if not s.entropy or s.entropy_target is None:
            return -s.entropy
        total = tokens = 0.0
        for lot in lots_of(plan.rows, chosen, s.batch_tokens, None, self.policy.device):
            entropy = say(self.policy, lot).entropy
            total, tokens = total + float(entropy.sum()), tokens + len(entropy)
        return s.entropy if total / tokens > s.entropy_target else -s.entropy

    def _each(self, lot: Lot, plan: Plan, of_rows: Mapping[int, float] | Sequence[float]) -> Tensor:
        """One number per row, at each of its loss tokens, float32 [M]."""
        return self._flat(lot, {i: np.full(len(plan.advantages[i]), of_rows[i]) for i in lot.rows})

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
        """Optimiser state, step count, unit of the critics and, where there is one, the reference policy."""
        self.optimiser.save(directory / "policy-gradient.safetensors")
        (directory / "policy-gradient.steps").write_text(str(self.steps))
        self.unit.save(directory / "policy-gradient.unit")
        if self.reference is not None:
            self.reference.save(directory / "reference")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.optimiser.load(directory / "policy-gradient.safetensors")
        self.steps = int((directory / "policy-gradient.steps").read_text())
        self.unit.load(directory / "policy-gradient.unit")
        if self.reference is not None:
            self.reference = Policy.load(directory / "reference", device=self.policy.device, dtype=self.policy.dtype)


def zero_share(plan: Plan) -> float:
    """Share of loss tokens whose credit is exactly zero."""
    credit = np.concatenate(plan.advantages)
    return float(np.mean(credit == 0.0)) if len(credit) else 1.0


def frozen(policy: Policy) -> Policy:
    """A copy that no learner changes."""
    twin = copy.deepcopy(policy)
    for parameter in twin.parameters():
        parameter.requires_grad_(False)
    return twin
