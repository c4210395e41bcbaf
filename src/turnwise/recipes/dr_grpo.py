"""Dr. GRPO: group mean subtracted, no division by spread or length."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.dr_grpo import DrGrpo
from turnwise.loop import Parts
from turnwise.recipes.base import Recipe, Setup, setting
from turnwise.recipes.improve import ImproveSettings, beats_its_start, build


@dataclass(frozen=True)
class DrGrpoSettings(ImproveSettings):
    """Group credit without a critic."""

    averaging: str = setting(
        "constant",
        "token-mean, row-mean, row-sum or constant",
        "Dr. GRPO (arXiv 2503.20783); specs/credit/baselines",
        needs="rounds",
    )


def build_dr_grpo(setup: Setup) -> Parts:
    """The rule in the common way."""
    return build(setup, DrGrpo())


RECIPE = Recipe(
    name="dr-grpo",
    title="Dr. GRPO: group mean subtracted, no division by spread or length",
    source="Dr. GRPO (arXiv 2503.20783); specs/credit/baselines",
    settings=DrGrpoSettings,
    build=build_dr_grpo,
    claim=beats_its_start(),
)
