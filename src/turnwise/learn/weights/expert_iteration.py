"""Expert iteration: imitate what the search found, of middling difficulty, and start over where that stalls
(specs/learn/bfs_prover_v2).

    round:    solutions of this round's trees join those of all rounds; imitate their turns inside the nll band
    plateau:  the next round proves all solved tasks again (`again`); keep the shortest solution of each, filter harder,
              restart from the policy of the stage's beginning
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from turnwise.core.types import Batch, Episode, Signal, Task, Update
from turnwise.learn.band import NAME, band_signals, check_band, turn_nll
from turnwise.learn.plateau import stalled
from turnwise.learn.sequences import rows_of
from turnwise.learn.solutions import Solutions
from turnwise.learn.solved import replies_per_place, solve_rate, solved_paths
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.learn.weights.lots import logprobs
from turnwise.learn.weights.policy_gradient import frozen
from turnwise.models.policy import Policy


@dataclass(frozen=True)
class ExpertIterationSettings:
    """What is imitated, and when all begins anew."""

    low: float = 0.1  # quantiles of nll between which a turn is imitated
    high: float = 0.9
    hard_low: float = 0.3  # the same on a plateau
    hard_high: float = 0.9
    easy: float = 1.0  # trees of which more than this share of the paths succeeded are left out
    most: int = 8  # solutions of one task that are held
    patience: int = 0  # rounds without a rise after which the policy starts over; 0: never
    rise: float = 0.02  # of the share of trees with a solution
    again: int = 4  # passes over the solutions after such a start

    def __post_init__(self) -> None:
        check_band(self.low, self.high)
        check_band(self.hard_low, self.hard_high)


class ExpertIteration:
    """Learner: from trees to the policy that would have found their solutions alone.

    Args:
        policy: whose weights change.
        settings: see `ExpertIterationSettings`.
        how: of imitation.
        seed: orders the minibatches.
    """

    needs = frozenset[str]()
    slot = "weights"

    def __init__(self, policy: Policy, settings: ExpertIterationSettings, how: ImitationSettings, seed: int):
        self.policy, self.settings, self.seed = policy, settings, seed
        self.how = replace(how, wrong=NAME)
        self.imitation = Imitation(policy, self.how, seed)
        self.solutions = Solutions(settings.most)
        self.rates: list[float] = []  # since the last start, share of trees with a solution
        self.restarts = 0
        self.due = False  # whether the next round starts over
        self.base = frozen(policy) if settings.patience else None

    @property
    def again(self) -> list[Task]:
        """What the next round shall prove again: every solved task where nothing gets better any more, else nothing."""
        return [found[0].task for found in self.solutions.held.values()] if self.due else []

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """One update; a round before the first solution changes nothing but the version."""
        s, over, found = self.settings, self.due, solved_paths(batch.episodes, self.settings.easy)
        self.rates.append(solve_rate(batch.episodes))
        told = {"solved": self.rates[-1], "found": float(len(found)), "replies": replies_per_place(batch.episodes)}
        if over:
            self.solutions.prove_again(found)
        else:
            self.solutions.add(found)
            self.due = self.base is not None and len(self.solutions) > 0 and stalled(self.rates, s.patience, s.rise)
        chosen = self.solutions.all
        told |= {"solutions": float(len(chosen)), "tasks": float(len(self.solutions.held)), "restarted": float(over)}
        if not chosen:
            self.policy.version += 1
            return [Update(self.slot, self.policy.version - 1, self.policy.version, told, "no solution yet")]
        signals = self._band(chosen, *((s.hard_low, s.hard_high) if over else (s.low, s.high)))
        if over:
            self._start_over()
        learner = Imitation(self.policy, replace(self.how, epochs=s.again), self.seed) if over else self.imitation
        told["in_band"] = sum(signal.value == 0.0 for signal in signals) / len(signals)
        (update,) = learner.learn(Batch(chosen, signals), progress)
        return [replace(update, change={**update.change, **told}, why="imitation of what was found")]

    def _band(self, episodes: Sequence[Episode], low: float, high: float) -> list[Signal]:
        """Which turns are neither known nor noise, by the policy of this moment."""
        rows = rows_of(episodes, self.policy.chat, longest=self.policy.longest)
        held = [row for row in rows if row.loss.any()]
        places, nll_T = turn_nll(held, logprobs(self.policy, held, self.how.batch_tokens))
        return band_signals(episodes, places, nll_T, low, high)

    def _start_over(self) -> None:
        """The weights of the stage's beginning, and an optimiser that remembers nothing."""
        assert self.base is not None
        self.policy.load_state_dict(self.base.state_dict())
        self.imitation = Imitation(self.policy, self.how, self.seed + self.restarts + 1)
        self.rates, self.restarts, self.due = [], self.restarts + 1, False

    def save(self, directory: Path) -> None:
        """Optimiser, counts, all solutions, and the policy to start over from."""
        self.imitation.save(directory)
        self.solutions.save(directory / "solutions.parquet")
        held = {"rates": self.rates, "restarts": self.restarts, "due": self.due}
        (directory / "rates.json").write_text(json.dumps(held))
        if self.base is not None:
            self.base.save(directory / "base")

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        held = json.loads((directory / "rates.json").read_text())
        self.rates, self.restarts, self.due = held["rates"], held["restarts"], held["due"]
        self.imitation = Imitation(self.policy, self.how, self.seed + self.restarts)
        self.imitation.load(directory)
        self.solutions.load(directory / "solutions.parquet")
        if self.base is not None:
            self.base = frozen(Policy.load(directory / "base", device=self.policy.device, dtype=self.policy.dtype))
