"""Dr. GRPO: group mean subtracted, no division by spread or length."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.dr_grpo import DrGrpo
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class DrGrpoSettings(ImproveSettings):
    """Group credit without a critic."""

    value: float = setting(0.0, "no critic")
    averaging: str = setting(
        "constant", "token-mean, row-mean, row-sum or constant", "Dr. GRPO (arXiv 2503.20783); specs/credit/baselines"
    )


def build_dr_grpo(setup: Setup) -> Parts:
    """The rule in the common way."""
    return build(setup, DrGrpo(), critic=False)


RECIPE = Recipe(
    name="dr-grpo",
    title="Dr. GRPO: group mean subtracted, no division by spread or length",
    source="Dr. GRPO (arXiv 2503.20783); specs/credit/baselines",
    settings=DrGrpoSettings,
    build=build_dr_grpo,
    claim=Claim(
        says="raises the success of the imitator it starts from",
        against="the imitator it starts from, on the same evaluation episodes",
        measured_by="turnwise train twenty-questions --recipe dr-grpo",
    ),
)
