"""REINFORCE leave-one-out: return minus the mean of the others on the same task."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.rloo import Rloo
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class RlooSettings(ImproveSettings):
    """Group credit without a critic."""

    value: float = setting(0.0, "no critic")
    averaging: str = setting("token-mean", "token-mean, row-mean, row-sum or constant", "RLOO; specs/credit/baselines")


def build_rloo(setup: Setup) -> Parts:
    """The rule in the common way."""
    return build(setup, Rloo(), critic=False)


RECIPE = Recipe(
    name="rloo",
    title="REINFORCE leave-one-out: return minus the mean of the others on the same task",
    source="RLOO; specs/credit/baselines",
    settings=RlooSettings,
    build=build_rloo,
    claim=Claim(
        says="raises the success of the imitator it starts from",
        against="the imitator it starts from, on the same evaluation episodes",
        measured_by="turnwise train twenty-questions --recipe rloo",
    ),
)
