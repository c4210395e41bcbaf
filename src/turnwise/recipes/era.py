"""ERA: turn GAE on dense rewards that are switched off later (specs/credit/era-turn-gae)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from turnwise.core.types import CreditTable, Episode, Signal
from turnwise.credit.calm import first_times
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.shaping import with_rewards
from turnwise.credit.turn_gae import TurnGae
from turnwise.feedback import grounding
from turnwise.feedback.subgoals import Subgoals, words_of
from turnwise.learn.credited import credit_table
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import build
from turnwise.recipes.turn_ppo import TurnPpoSettings

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradient


@dataclass(frozen=True)
class EraSettings(TurnPpoSettings):
    """Turn-level PPO with dense rewards at first. The critic begins from the demonstrations' returns."""

    lam: float = setting(0.99, "trace decay per turn", "ERA: 0.99", needs="rounds")
    subgoals: str = setting(
        "", "name: words that show it is reached; ... empty: those known of the world", needs="rounds"
    )
    dense_rounds: int = setting(
        15, "rounds with dense rewards; then the end alone pays", "ERA: 20 or 22", needs="rounds"
    )
    success: float = setting(3.0, "factor of the world's own reward", "ERA: 3", needs="rounds")
    progress: float = setting(
        1.0, "for a turn that finishes more than was ever finished", "ERA: 1", needs="dense_rounds"
    )
    failed: float = setting(0.5, "cost of an act that the world did not carry out", "ERA: 0.5", needs="dense_rounds")


@dataclass(frozen=True)
class Dense:
    """Turn GAE on the outcome, on progress and on acts that failed.

    r_t = success * outcome + progress * [more subgoals finished than ever before] - failed * [not carried out]
    """

    rule: TurnGae
    subgoals: tuple[str, ...]
    success: float
    progress: float
    failed: float
    name: ClassVar[str] = TurnGae.name
    needs: ClassVar[frozenset[str]] = TurnGae.needs | {"signals"}
    unit: ClassVar[Unit] = TurnGae.unit
    biased: ClassVar[str] = "while it is paid for progress, what is raised is not the return alone"

    def assign(self, x: CreditInput) -> CreditResult:
        """A subgoal that comes again is no progress."""
        reached = np.any([first_times(x.signal(name, self.name), x.starts_E1) for name in self.subgoals], axis=0)
        broken = 1.0 - x.signal(grounding.NAME, self.name)
        rewards_T = self.success * x.rewards_T + self.progress * reached - self.failed * broken
        return self.rule.assign(with_rewards(x, rewards_T))


def build_era(setup: Setup) -> Parts:
    """The rule in the common way, with a judge of subgoals for the first rounds."""
    s: EraSettings = setup.settings
    words = words_of(setup.world.name, s.subgoals)
    gae = TurnGae(s.gamma, s.lam, s.whiten)  # type: ignore[arg-type]
    dense = Dense(gae, tuple(words), s.success, s.progress, s.failed)
    sparse = replace(dense, progress=0.0, failed=0.0)

    def credit(learner: PolicyGradient, episodes: Sequence[Episode], signals: Sequence[Signal]) -> CreditTable:
        rule = dense if episodes[0].origin["round"] < s.dense_rounds else sparse
        rows = learner.rows(episodes)
        return credit_table(rule, episodes, rows, learner.values(rows), signals)

    judges = [Subgoals(words), grounding.Grounding(setup.world.refusal)]
    return build(setup, dense, judges, credit=credit)


RECIPE = Recipe(
    name="era",
    title="ERA: turn GAE, dense rewards first and the end alone later",
    source="Embodied-Reasoning-Agent (arXiv 2510.12693); specs/credit/era-turn-gae",
    settings=EraSettings,
    build=build_era,
    claim=Claim(
        says="paid for the key in the first rounds and for the door alone later, it wins a corridor more often",
        against="turn-ppo on the door alone, after as many episodes",
        trial=Trial(
            "key-corridor",
            "turn-ppo",
            seeds=3,
            settings={"demos": 300, "rounds": 10, "tasks": 64, "evaluate": 8, "lam": 0.99, "era.dense_rounds": 5},
        ),
    ),
)
