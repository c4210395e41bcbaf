"""ArCHer: an off-policy critic of whole utterances above, a plain token policy gradient inside one utterance below.

    round    all turns of the batch go into the replay; then steps of the critic, then steps of the actor
    actor    replayed s: a ~ pi(.|s) anew;  A = min(Q1, Q2)(s, a) - min(V1, V2)(s)
             L = - mean( A * sum_j log pi(a_j | s, a_<j) )            no ratio, no clip, no KL
    reuse    critic steps draw so many turns that each new one is seen five times on average, however long episodes are:
             where few turns in many tell of success, a critic that sees less of them follows its own noise, and the
             actor with it, since its optimiser makes a full step of an advantage of any size
    warm-up  while the actor rests all turns are its own, so Q is told what their episodes went on to earn: by
             bootstrapping alone a value travels back one turn in the time that the target takes to follow
    baseline (option) b_j read from the policy's state at token j, regressed on A; each token then uses A - b_j

No token waits for the end of the episode, and old turns are used again: actions of the actor are always new, so they
need no importance weights (specs/learn/archer; Zhou et al., arXiv 2402.19446).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from turnwise.core.chance import generator, key_of
from turnwise.core.types import Batch, Tokens, Update
from turnwise.credit.fitted_q import fitted_q
from turnwise.learn.packing import pack
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.critic import monte_carlo
from turnwise.learn.weights.fresh import fresh_replies
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.learn.weights.replay import Replay, TurnRecord
from turnwise.learn.weights.turn_critic import TurnCritic, TurnCriticLearner
from turnwise.models.policy import Policy
from turnwise.models.rows import Rows
from turnwise.models.sampling import Sampling


@dataclass(frozen=True)
class ArcherSettings:
    """Both levels; what the sheet has for a language model of 100 million parameters stands in the recipe."""

    lr: float = 3e-4  # of the actor
    critic_lr: float = 1e-3
    critic_steps: int = 50  # per round
    actor_steps: int = 3  # per round
    reuse: float = 5.0  # draws per new turn: a round's critic steps share so many times the turns that it brought
    actor_batch: int = 256
    critic_warmup: int = 0  # rounds in which the actor rests, and Q learns what the episodes went on to earn
    gamma: float = 0.95  # discount per turn
    tau: float = 0.1  # share of the online critic that its target takes over after each step
    buffer: int = 100_000  # turns that are kept
    centre: bool = True  # whether the mean advantage of a step's turns is taken off
    token_baseline: bool = False
    width: int = 128  # of the critic's heads
    max_norm: float = 1.0
    warmup: int = 20  # actor steps from 0 to lr, linear: the first moments of Adam are of few turns
    max_new: int = 32  # tokens of a fresh reply at most
    batch_tokens: int = 16384  # tokens per forward pass
    live: int = 512  # fresh replies under way at once


class Archer:
    """Learner of both levels.

    Args:
        policy: the actor, whose weights change; the critic's trunk begins as a copy of it.
        settings: see `ArcherSettings`.
        seed: of what is drawn from the replay, of fresh replies and of the critic's heads.
    """

    slot = "weights"
    needs = frozenset[str]()

    def __init__(self, policy: Policy, settings: ArcherSettings, seed: int):
        s = settings
        self.policy, self.settings, self.seed = policy, settings, seed
        self.optimiser = Optimiser(policy, s.lr, 0.0, s.max_norm)
        online = TurnCritic(policy, s.width, seed)
        self.critic = TurnCriticLearner(online, s.critic_lr, s.gamma, s.tau, s.max_norm, s.batch_tokens)
        self.baseline = TokenBaseline(policy, s.critic_lr, s.max_norm) if s.token_baseline else None
        self.replay = Replay(s.buffer, s.gamma)
        self.sampling = Sampling(max_new=s.max_new)
        self.rounds, self.steps = 0, 0  # the actor's steps

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """Remember the batch's turns, then step on replayed ones; one update of the slot `weights`, whose version stays
        the same while only the critic learns.

        Raises:
            TurnwiseError: no turn was ever seen.
        """
        s = self.settings
        added = self.remember(batch)
        rng = generator(self.seed, "archer", self.rounds)
        resting = self.rounds < s.critic_warmup
        actor_steps = 0 if resting else s.actor_steps
        total, numbers = s.critic_steps + actor_steps, list[dict[str, float]]()

        def done(step: dict[str, float]) -> None:
            numbers.append(step)
            if progress is not None:
                progress(len(numbers) / total)

        size = max(1, round(s.reuse * added / max(s.critic_steps, 1)))  # turns per critic step
        drawn = [self.replay.draw(rng, size) for _ in range(s.critic_steps)]
        replies = self.fresh([record for records in drawn for record in records], "critic")
        for number, records in enumerate(drawn):
            first = number * size
            done(self.critic.step(records, [t.reply for t in replies[first : first + len(records)]], as_played=resting))
        for number in range(actor_steps):
            records = self.replay.draw(rng, s.actor_batch)
            done(self.actor_step(records, self.fresh(records, f"actor/{number}")))
        self.rounds += 1
        before = self.policy.version
        self.policy.version += actor_steps > 0
        change = {"gradient_norm": 0.0, "replay_turns": float(len(self.replay))} | means(numbers)
        return [Update(self.slot, before, self.policy.version, change, "archer")]

    def remember(self, batch: Batch) -> int:
        """Put the batch's turns into the replay; the first ones also say in what units values come. Returns how many
        were added.
        """
        rows = rows_of(batch.episodes, self.policy.chat, longest=self.policy.longest)
        if not len(self.replay):
            _, told = monte_carlo(batch.episodes, rows, self.settings.gamma)
            returns = np.concatenate([np.zeros(0), *told])
            if len(returns):
                self.critic.set_units(returns)
        return self.replay.add(batch.episodes, rows)

    def fresh(self, records: Sequence[TurnRecord], purpose: str) -> list[Tokens]:
        """A new reply of the policy in the state of each record."""
        keys = [key_of(self.seed, "archer", self.rounds, purpose, i) for i in range(len(records))]
        return fresh_replies(self.policy, [r.state for r in records], self.sampling, keys, self.settings.live)

    def advantages(self, states: Sequence[np.ndarray], replies: Sequence[np.ndarray]) -> np.ndarray:
        """min(Q1, Q2) - min(V1, V2) of new replies, float64 [N]."""
        said = self.critic.worth(states, replies)
        return fitted_q([*said.q.double().cpu().numpy()], [*said.v.double().cpu().numpy()])

    def actor_step(self, records: Sequence[TurnRecord], replies: Sequence[Tokens]) -> dict[str, float]:
        """One step of the policy gradient on new replies in replayed states."""
        states, said = [r.state for r in records], [t.reply for t in replies]
        advantages = self.advantages(states, said)
        numbers = {"mean_advantage": float(advantages.mean()), "advantage_spread": float(advantages.std())}
        if self.settings.centre:
            advantages = advantages - advantages.mean()
        entropy, tokens = 0.0, sum(int(t.sampled.sum()) for t in replies)
        for part in pack([len(s) + len(a) for s, a in zip(states, said, strict=True)], self.settings.batch_tokens):
            rows = [np.concatenate([states[i], said[i]]) for i in part]
            asked = [np.concatenate([np.zeros(len(states[i]), bool), replies[i].sampled]) for i in part]
            packed = Rows.pack(rows, asked, self.policy.device)
            out = self.policy(packed)
            logp, spread = out.score(packed.targets, entropy=True)
            weight = np.repeat(advantages[part], [int(a.sum()) for a in asked]).astype(np.float32)
            credit = torch.from_numpy(weight).to(logp.device)
            if self.baseline is not None:
                credit = credit - self.baseline.learn(out.hidden.detach(), credit, tokens)
            (-(credit * logp).sum() / len(records)).backward()
            entropy += float(spread.detach().sum()) / tokens
        if self.baseline is not None:
            numbers["baseline_norm"] = self.baseline.optimiser.step()
        self.steps += 1
        norm = self.optimiser.step(min(1.0, self.steps / max(self.settings.warmup, 1)))
        return numbers | {"entropy": entropy, "gradient_norm": norm}

    def save(self, directory: Path) -> None:
        """The critic, both optimisers, the replay, the counts of rounds and of steps."""
        self.optimiser.save(directory / "archer-actor.safetensors")
        self.critic.save(directory)
        self.replay.save(directory / "replay.safetensors")
        if self.baseline is not None:
            self.baseline.save(directory)
        (directory / "archer.steps").write_text(f"{self.rounds} {self.steps}")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.optimiser.load(directory / "archer-actor.safetensors")
        self.critic.load(directory)
        self.replay.load(directory / "replay.safetensors")
        if self.baseline is not None:
            self.baseline.load(directory)
        self.rounds, self.steps = map(int, (directory / "archer.steps").read_text().split())


class TokenBaseline:
    """What the advantage of an utterance looks like from the policy's state before each of its tokens: a linear probe,
    which does not reach the policy.
    """

    def __init__(self, policy: Policy, lr: float, max_norm: float):
        head = nn.utils.skip_init(nn.Linear, policy.causal.config.hidden_size, 1, device=policy.device)
        for parameter in head.parameters():
            nn.init.zeros_(parameter)
        self.head, self.optimiser = head, Optimiser(head, lr, 0.0, max_norm)

    def learn(self, hidden: Tensor, credit: Tensor, tokens: int) -> Tensor:
        """b_j at hidden states [M, width], as it was; the gradient of mean (A - b_j)^2 is added, to be stepped on."""
        said = self.head(hidden.float())[:, 0]
        ((credit - said).square().sum() / tokens).backward()
        return said.detach()

    def save(self, directory: Path) -> None:
        """The probe and its optimiser."""
        save_file(
            {k: v.detach().contiguous() for k, v in self.head.state_dict().items()}, directory / "baseline.safetensors"
        )
        self.optimiser.save(directory / "baseline-optimiser.safetensors")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.head.load_state_dict(load_file(directory / "baseline.safetensors"))
        self.optimiser.load(directory / "baseline-optimiser.safetensors")


def means(numbers: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each number over the steps that have it."""
    names = dict.fromkeys(name for step in numbers for name in step)
    return {name: float(np.mean([step[name] for step in numbers if name in step])) for name in names}
