"""LTC's learner: the language-model loss on whole records beside a PPO term on what the policy said itself
(specs/learn/ltc).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, Episode, Update
from turnwise.learn.packing import pack, parts_of_size
from turnwise.learn.records import OTHER, OWN, WORLD, Record, RecordPool, Rewards, sources, squashed
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.surrogate import clipped_surrogate
from turnwise.models.policy import Policy
from turnwise.models.rows import Output, Rows


@dataclass(frozen=True)
class LtcSettings:
    """The weights of the parts, as the repository has them."""

    lr: float = 3e-4
    batch: int = 16  # records per step
    train: int = 1024  # records per update, at most
    lm: float = 1.0  # weight of the language-model loss; 0 leaves PPO
    ppo: float = 0.5  # weight of the PPO term; 0 leaves imitation of everything
    spared: float = 1e-5  # what is left of the language-model loss where a batch's targets sum to 0 or less
    value: float = 0.5  # of the value error inside the PPO term
    entropy: float = 0.01
    clip_ratio: float = 0.2
    others: bool = False  # whether other players' turns enter the policy term, as the released code has it
    rewards: Rewards = "outcome"
    batch_tokens: int = 16384
    max_norm: float = 1.0
    warmup: int = 20


@dataclass(frozen=True, slots=True)
class Terms:
    """Sums over the N tokens of some records; M of them have something before them."""

    lm: Tensor  # cross-entropy of the M
    policy: Tensor  # clipped surrogate of the tokens that count
    value: Tensor  # squared error at the policy's own tokens
    entropy: Tensor  # at the tokens that count
    clipped: float  # how many of them were clipped


class Ltc:
    """Learner: append the round's records to the pool, draw from it, one pass.

        L_ppo = mean over ALL tokens of  -min(rho A, clip(rho) A) [counts] + value (V - y)^2 [own] - entropy H [counts]
        L     = lm * L_lm + ppo * L_ppo,  lm times `spared` where the batch's own y sum to 0 or less
        A     = y - V_old,  V = tanh(value head);  counts: own tokens, with `others` other players' too

    Args:
        policy: with a value head.
        settings: see `LtcSettings`.
        pool: of records.
        seed: draws records and orders the steps.
    """

    slot = "weights"
    needs = frozenset({"tokens", "logprobs", "critic"})

    def __init__(self, policy: Policy, settings: LtcSettings, pool: RecordPool, seed: int):
        if policy.value_head is None:
            raise TurnwiseError("LTC without a critic", "a policy with a value head", "choose the recipe `ltc`")
        self.policy, self.settings, self.pool, self.seed = policy, settings, pool, seed
        self.optimiser = Optimiser(policy, settings.lr, 0.0, settings.max_norm)
        self.steps = self.rounds = 0

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """One update of the slot `weights`.

        Raises:
            TurnwiseError: there is nothing in the batch to learn from.
        """
        self.rounds += 1
        self.pool.add(self.records(batch.episodes), self.rounds)
        rng = generator(self.seed, "ltc", self.rounds)
        drawn = self.pool.draw(rng, self.settings.train)
        parts = parts_of_size(range(len(drawn)), self.settings.batch, rng)
        found = []
        for number, part in enumerate(parts):
            found.append(self._step([record for k in part for record in self.pool.held[drawn[k]]]))
            if progress is not None:
                progress((number + 1) / len(parts))
        before = self.policy.version
        self.policy.version += 1
        change = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
        change |= {"pool": float(len(self.pool)), "drawn": float(len(drawn))}
        change["age"] = float(np.mean([self.rounds - self.pool.rounds[i] for i in drawn]))
        return [Update(self.slot, before, self.policy.version, change, "ltc")]

    @torch.no_grad()
    def records(self, episodes: Sequence[Episode]) -> list[tuple[Record, ...]]:
        """The rows of episodes that did not break, with what the policy says of them now: it is the one that played."""
        whole = [e for e in episodes if e.ends[0].error is None]
        rows = rows_of(whole, self.policy.chat, longest=self.policy.longest)
        if not rows:
            raise TurnwiseError(f"{len(episodes)} episodes without a turn", "episodes in which the agent spoke")
        told, found = squashed(whole, rows, self.settings.rewards), list[Record]()
        said = self._behaviour([row.ids for row in rows])
        for row, y, (logp, values) in zip(rows, told, said, strict=True):
            source = sources(row, whole[row.episode])
            logp = np.where(source == OWN, row.logprobs, np.where(source == OTHER, logp, 0.0)).astype(np.float32)
            heard = source != WORLD
            y, values = (np.where(heard, x, 0.0).astype(np.float32) for x in (y, values))
            found.append(Record(row.ids, source, logp, values, y))
        owners = [row.episode for row in rows]
        return [tuple(r for r, o in zip(found, owners, strict=True) if o == e) for e in sorted(set(owners))]

    def _behaviour(self, rows: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Log-probability of every token and tanh of the value before it, float32 [N] each, 0 at the first."""
        found = [(np.zeros(0, np.float32),) * 2] * len(rows)
        for part in pack([len(row) for row in rows], self.settings.batch_tokens):
            read = Rows.pack([rows[i] for i in part], device=self.policy.device)
            out = self.policy(read)
            assert out.values is not None
            both = [out.score(read.targets)[0], torch.tanh(out.values)]
            cuts = np.cumsum([len(rows[i]) - 1 for i in part])[:-1]
            columns = [np.split(x.cpu().numpy(), cuts) for x in both]
            for i, logp, values in zip(part, *columns, strict=True):
                found[i] = np.pad(logp, (1, 0)), np.pad(values, (1, 0))
        return found

    def _step(self, records: Sequence[Record]) -> dict[str, float]:
        """One step on some records; means for the report."""
        s = self.settings
        positions, predicted = sum(map(len, records)), sum(len(r) - 1 for r in records)
        summed = sum(float(r.targets[r.source == OWN].sum()) for r in records)
        lm = s.lm * (1.0 if summed > 0 else s.spared)
        sums: dict[str, float] = {}
        for part in pack([len(r) for r in records], s.batch_tokens):
            terms = self.terms([records[i] for i in part])
            ppo = (terms.policy + s.value * terms.value - s.entropy * terms.entropy) / positions
            (lm * terms.lm / predicted + s.ppo * ppo).backward()
            for name, by in (("lm", predicted), ("policy", positions), ("value", positions), ("entropy", positions)):
                sums[name] = sums.get(name, 0.0) + float(getattr(terms, name).detach()) / by
            sums["clip_fraction"] = sums.get("clip_fraction", 0.0) + terms.clipped / positions
        self.steps += 1
        norm = self.optimiser.step(min(1.0, self.steps / max(s.warmup, 1)))
        return {**sums, **shares(records), "imitated": float(summed > 0), "gradient_norm": norm}

    def terms(self, records: Sequence[Record]) -> Terms:
        """The sums of the loss over some records, with gradient."""
        s, flat = self.settings, self._flat
        read = Rows.pack([r.ids for r in records], device=self.policy.device)
        out: Output = self.policy(read)
        assert out.values is not None
        logp, entropy = out.score(read.targets, entropy=True)
        assert entropy is not None
        source = torch.from_numpy(np.concatenate([r.source[1:] for r in records])).to(logp.device)
        own = (source == OWN).float()
        counts = own + (source == OTHER).float() if s.others else own
        advantage = flat(records, "targets") - flat(records, "values")
        policy, clipped = clipped_surrogate(
            torch.where(counts > 0, logp - flat(records, "logprobs"), 0.0), advantage, s.clip_ratio, s.clip_ratio, None
        )
        errors = (torch.tanh(out.values) - flat(records, "targets")) ** 2
        hit = float((clipped * counts).sum())
        return Terms(-logp.sum(), (policy * counts).sum(), (errors * own).sum(), (entropy * counts).sum(), hit)

    def _flat(self, records: Sequence[Record], name: str) -> Tensor:
        """A column at the tokens that have something before them."""
        held = np.concatenate([getattr(r, name)[1:] for r in records])
        return torch.from_numpy(held).to(self.policy.device)

    def save(self, directory: Path) -> None:
        """Optimiser, counts, and the whole pool."""
        self.optimiser.save(directory / "ltc.safetensors")
        (directory / "ltc.steps").write_text(f"{self.steps} {self.rounds}")
        self.pool.save(directory / "ltc-pool.safetensors")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.optimiser.load(directory / "ltc.safetensors")
        self.steps, self.rounds = map(int, (directory / "ltc.steps").read_text().split())
        self.pool.load(directory / "ltc-pool.safetensors")


def shares(records: Sequence[Record]) -> Mapping[str, float]:
    """Share of the tokens by who wrote them."""
    source = np.concatenate([r.source for r in records])
    return {
        f"{name}_share": float((source == kind).mean())
        for name, kind in (("own", OWN), ("world", WORLD), ("other", OTHER))
    }
