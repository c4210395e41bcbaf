"""REINFORCE leave-one-out: return minus the mean of the others on the same task."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.rloo import Rloo
from turnwise.loop import Parts
from turnwise.recipes.base import Recipe, Setup, setting
from turnwise.recipes.improve import ImproveSettings, beats_its_start, build


@dataclass(frozen=True)
class RlooSettings(ImproveSettings):
    """Group credit without a critic."""

    averaging: str = setting(
        "token-mean", "token-mean, row-mean, row-sum or constant", "RLOO; specs/credit/baselines", needs="rounds"
    )


def build_rloo(setup: Setup) -> Parts:
    """The rule in the common way."""
    return build(setup, Rloo())


RECIPE = Recipe(
    name="rloo",
    title="REINFORCE leave-one-out: return minus the mean of the others on the same task",
    source="RLOO; specs/credit/baselines",
    settings=RlooSettings,
    build=build_rloo,
    claim=beats_its_start(),
)
