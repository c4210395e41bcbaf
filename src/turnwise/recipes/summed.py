"""One critic on the sum of all rewards: SLIM's foil (specs/learn/slim_multi_critic)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.shaping import with_rewards
from turnwise.credit.turn_gae import TurnGae
from turnwise.feedback.components import Components
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import build
from turnwise.recipes.slim import TRIAL, ComponentSettings, units_of


@dataclass(frozen=True)
class SummedSettings(ComponentSettings):
    """One critic."""

    whiten: str = setting("turns", "advantages to mean 0 and spread 1, as SLIM's parts", needs="rounds")


@dataclass(frozen=True)
class Summed:
    """Turn GAE on the sum of some rewards."""

    rule: TurnGae
    signals: tuple[str, ...]
    name: ClassVar[str] = TurnGae.name
    needs: ClassVar[frozenset[str]] = TurnGae.needs | {"signals"}
    unit: ClassVar[Unit] = TurnGae.unit
    biased: ClassVar[str] = "what is raised is the sum of all rewards, each in whatever unit it has"

    def assign(self, x: CreditInput) -> CreditResult:
        """The sum takes the place of the world's reward."""
        return self.rule.assign(with_rewards(x, np.sum([x.signal(name, self.name) for name in self.signals], axis=0)))


def build_summed(setup: Setup) -> Parts:
    """The rule in the common way."""
    s: SummedSettings = setup.settings
    gae = TurnGae(s.gamma, s.lam, s.whiten)  # type: ignore[arg-type]
    rule = Summed(gae, setup.world.rewards)
    return build(setup, rule, [Components(setup.world, units_of(setup))])


RECIPE = Recipe(
    name="summed",
    title="One critic on the sum of all rewards",
    source="specs/learn/slim_multi_critic, the baseline",
    settings=SummedSettings,
    build=build_summed,
    claim=Claim(
        says="raises the success of the imitator it starts from, even where another reward is a hundred times larger",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial("loop-grid", seeds=3, settings=TRIAL),
    ),
)
