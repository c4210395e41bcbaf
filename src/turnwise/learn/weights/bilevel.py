"""Two loops on one policy: the inner one climbs a blend of rewards, the outer one moves the blend to where the inner
climbs the primary reward (specs/credit/barfi).

Before every step of the inner loop the round's tasks are dealt in two halves, so that the same luck is never on both
sides of a product:

    g from the first half:    the policy gradient of the primary reward
    on the second:            v of the damped system (`turnwise.credit.barfi_outer.damped_solution`),
                              dJ/d phi_k = D_k . v = sum over tokens of  credit of reward k * slope of log pi along v

A blend is worth what the policy would earn a step further on, so the inner loop need not settle; and no episode is
played for the outer loop alone. What helps now and harms later is not seen: it takes an inner loop that settles.

phi moves by lr times the gradient in units of its own usual size, each reward in units of the spread of its credit: one
that is paid a hundred times as much, with a hundredth of the weight, comes to the same blend.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, Episode, Signal, Update
from turnwise.credit.barfi import Barfi
from turnwise.credit.barfi_outer import damped_solution, stepped
from turnwise.learn.credited import credit_input, on_rows, paths_of, with_company
from turnwise.learn.sequences import Row
from turnwise.learn.weights.curvature import Bend, OnTokens
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.models.policy import Policy

MEMORY = 0.9
"""Of the mean square of the outer gradient, what stays from one outer step to the next."""


@dataclass(frozen=True)
class Outer:
    """How the blend is learned."""

    lr: float = 0.05  # of phi
    every: int = 1  # rounds from one outer step to the next; 0: phi stays
    terms: int = 1  # products with the curvature, three gradients each
    l2: float = 0.25  # least damping, halved
    constant: bool = False  # whether the constant is learned too, which pays for long episodes

    def __post_init__(self) -> None:
        if self.lr < 0 or self.every < 0 or self.terms < 0 or self.l2 <= 0:
            raise TurnwiseError(f"{self}", "lr, every and terms of 0 or more, l2 above 0")


class Bilevel(PolicyGradient):
    """Learner: a policy gradient, and the blend it climbs.

    Args:
        policy, settings, seed: as of `PolicyGradient`.
        rule: the blend at the start; its inner rule must be linear in the rewards, as `rloo` and `reward-to-go` are.
        outer: how it is learned.
    """

    def __init__(self, policy: Policy, settings: PolicyGradientSettings, seed: int, rule: Barfi, outer: Outer):
        super().__init__(policy, settings, seed)
        self.rule, self.outer = rule, outer
        self.rounds, self.taken, self.square = 0, 0, 0.0  # rounds, outer steps, running square of the outer gradient

    def learn(self, batch: Batch, progress: Callable[[float], None] | None = None) -> list[Update]:
        """The outer step, at the weights that played, and then the inner one."""
        self.rounds += 1
        due = self.outer.every and self.rounds % self.outer.every == 0
        told = self._outer_step(batch) if due else {}
        (update,) = super().learn(batch, progress)
        names = ("constant", "primary", *self.rule.signals)
        told |= {f"blend_{name}": weight for name, weight in zip(names, self.rule.weights, strict=True)}
        return [replace(update, change={**update.change, **told})]

    def _outer_step(self, batch: Batch) -> dict[str, float]:
        rows = self.rows(batch.episodes)
        streams = stream_credits(self.rule, batch.episodes, rows, batch.signals)
        rng = generator(self.seed, "outer", self.rounds)
        first, second = (
            Bend(self.policy, rows, half, self.settings.batch_tokens) for half in halves(batch.episodes, rows, rng)
        )
        g, _ = first.gradient(streams[1])
        weighed = list(zip(self.rule.weights, streams, strict=True))
        blended = {i: np.sum([weight * stream[i] for weight, stream in weighed], axis=0) for i in second.chosen}
        found = damped_solution(g, lambda v: second.curvature(v, blended), self.outer.terms, self.outer.l2)
        loud = np.array([np.sqrt(np.mean(np.concatenate(list(stream.values())) ** 2)) for stream in streams])
        gradient = np.zeros(len(streams))
        if found.v_P.any():
            slopes = second.slopes(found.v_P)
            raw = [sum(float(stream[i] @ slopes[i]) for i in second.chosen) for stream in streams]
            gradient = np.divide(raw, loud, out=gradient, where=loud > 0)
        gradient[0] *= self.outer.constant
        step = np.divide(self._in_own_size(gradient), loud, out=np.zeros_like(loud), where=loud > 0)
        self.rule = stepped(self.rule, (step * loud[1]).tolist(), lr=self.outer.lr)
        return {"outer_damping": found.damping, "outer_left": found.left}

    def _in_own_size(self, gradient: np.ndarray) -> np.ndarray:
        """The gradient over the root of its running mean square; one of nothing counts for nothing."""
        if not gradient.any():
            return gradient
        self.taken += 1
        self.square = MEMORY * self.square + (1.0 - MEMORY) * float(gradient @ gradient)
        return gradient / np.sqrt(self.square / (1.0 - MEMORY**self.taken))

    def save(self, directory: Path) -> None:
        """The learner's state and the blend."""
        super().save(directory)
        told = {"weights": self.rule.weights, "rounds": self.rounds, "taken": self.taken, "square": self.square}
        (directory / "blend.json").write_text(json.dumps(told))

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        super().load(directory)
        told = json.loads((directory / "blend.json").read_text())
        self.rule = replace(self.rule, weights=tuple(told["weights"]))
        self.rounds, self.taken, self.square = told["rounds"], told["taken"], told["square"]


def stream_credits(
    rule: Barfi, episodes: Sequence[Episode], rows: Sequence[Row], signals: Sequence[Signal]
) -> list[OnTokens]:
    """The credit of each reward by itself, constant, primary and helping ones, at every loss token of every row, over
    the number of episodes; 0 for what no rule credits.
    """
    paths = paths_of(episodes, rows)
    if "group" in rule.needs:
        paths = with_company(paths, episodes)
    x, of = credit_input(episodes, rows, paths, signals=signals)
    found: list[OnTokens] = []
    for alone in np.eye(len(rule.weights)):
        credit_T = replace(rule, weights=tuple(alone)).assign(x).credit
        table = [[0.0] * len(episode.turns) for episode in episodes]
        for (episode, turn), credit in zip(of, credit_T, strict=True):
            table[episode][turn] = credit / len(paths)
        found.append({i: laid[rows[i].loss] for i, laid in enumerate(on_rows(table, rows))})
    return found


def halves(episodes: Sequence[Episode], rows: Sequence[Row], rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """The rows that learn, by tasks dealt in two halves; a task stays whole, since its episodes are compared.

    Raises:
        TurnwiseError: one task alone.
    """
    keys = sorted({episode.task.key for episode in episodes})
    if len(keys) < 2:
        raise TurnwiseError("a round of one task", "two tasks or more: each half of them checks the other", "set tasks")
    chosen = {keys[i] for i in rng.permutation(len(keys))[: len(keys) // 2].tolist()}
    learn = [i for i, row in enumerate(rows) if row.loss.any()]
    inside = [episodes[rows[i].episode].task.key in chosen for i in learn]
    first = [i for i, there in zip(learn, inside, strict=True) if there]
    return first, [i for i, there in zip(learn, inside, strict=True) if not there]
