"""OMNI: GRPO on tasks that are being learned and are interesting beside what is done already (specs/learn/omni)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.grpo import Grpo
from turnwise.explore.interest import judge_of
from turnwise.explore.progress import LearningProgress
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import build
from turnwise.recipes.learning_progress import LearningProgressSettings


@dataclass(frozen=True)
class OmniSettings(LearningProgressSettings):
    """Learning progress, and a judge of what is interesting."""

    judge: str = setting(
        "variants",
        "who says what is boring: variants (a rule that knows the kinds of tasks), nothing, or guess (half, at random)",
        "OMNI: GPT-3",
        needs="rounds",
    )
    dull: float = setting(1e-3, "factor on the weight of boring tasks", "OMNI: 0.001", needs="rounds")


def build_omni(setup: Setup) -> Parts:
    """GRPO in the common way, its tasks drawn by progress among the interesting ones."""
    s: OmniSettings = setup.settings
    curriculum = LearningProgress(
        setup.world.tasks("train"),
        judge=judge_of(s.judge, setup.seed),
        rate=s.rate,
        theta=s.theta,
        dull=s.dull,
        floor=s.floor,
        every=s.every,
    )
    return build(setup, Grpo(ddof=s.ddof), curriculum=curriculum)


RECIPE = Recipe(
    name="omni",
    title="GRPO on tasks that are being learned and interesting",
    source="OMNI (arXiv 2306.01711); specs/learn/omni",
    settings=OmniSettings,
    build=build_omni,
    claim=Claim(
        says="among many variants of an easy task, a judge of what is boring raises success on the tasks that matter "
        "above learning progress alone",
        against="learning-progress, as many tasks and episodes in each round",
        trial=Trial(
            "skill-chains",
            "learning-progress",
            seeds=5,
            settings={
                "demos": 600,
                "expert": "uniform",
                "demo_epochs": 3,
                "demo_lr": 2e-3,
                "max_new": 8,
                "rounds": 60,
                "tasks": 24,
                "lr": 3e-4,
                "entropy": 0.0,
                "floor": 0.25,
                "evaluate": 12,
            },
        ),
    ),
)
