"""GRPO: the z-score of an episode's return among the episodes of the same task."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.grpo import Grpo
from turnwise.loop import Parts
from turnwise.recipes.base import Recipe, Setup, setting
from turnwise.recipes.improve import ImproveSettings, beats_its_start, build


@dataclass(frozen=True)
class GrpoSettings(ImproveSettings):
    """Group credit without a critic."""

    averaging: str = setting(
        "row-mean", "token-mean, row-mean, row-sum or constant", "GRPO: 1/length per episode", needs="rounds"
    )
    ddof: int = setting(
        1,
        "degrees of freedom taken off the group's standard deviation: 1 sample, 0 population",
        "verl: 1",
        needs="rounds",
    )


def build_grpo(setup: Setup) -> Parts:
    """The rule in the common way."""
    return build(setup, Grpo(ddof=setup.settings.ddof))


RECIPE = Recipe(
    name="grpo",
    title="GRPO: z-score of the return inside the task's group",
    source="verl core_algos; specs/credit/baselines",
    settings=GrpoSettings,
    build=build_grpo,
    claim=beats_its_start(),
)
