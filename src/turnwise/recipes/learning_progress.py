"""GRPO on the tasks that are being learned: OMNI's learning progress, with nothing called boring (specs/learn/omni)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.grpo import Grpo
from turnwise.explore.progress import LearningProgress
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.grpo import GrpoSettings
from turnwise.recipes.improve import build


@dataclass(frozen=True)
class LearningProgressSettings(GrpoSettings):
    """GRPO with a curriculum."""

    rate: float = setting(0.1, "step of the fast and of the slow average", "OMNI: 0.1", needs="rounds", least=1e-3)
    theta: float = setting(
        0.1, "how much small successes are lifted; it becomes a half", "OMNI: 0.1", needs="rounds", least=1e-3
    )
    floor: float = setting(0.1, "share of a round's tasks that is drawn uniformly", needs="rounds")
    every: int = setting(8, "episodes of a task that make a measurement", "OMNI: 20", needs="rounds", least=1)


def build_learning_progress(setup: Setup) -> Parts:
    """GRPO in the common way, its tasks drawn by progress."""
    s: LearningProgressSettings = setup.settings
    tasks = setup.world.tasks("train")
    curriculum = LearningProgress(tasks, rate=s.rate, theta=s.theta, floor=s.floor, every=s.every)
    return build(setup, Grpo(ddof=s.ddof), curriculum=curriculum)


RECIPE = Recipe(
    name="learning-progress",
    title="GRPO on tasks drawn by learning progress",
    source="OMNI (arXiv 2306.01711); specs/learn/omni",
    settings=LearningProgressSettings,
    build=build_learning_progress,
    claim=Claim(
        says="tasks drawn by learning progress teach more than all in turn",
        against="grpo, which plays all tasks in turn, as many of them",
        trial=Trial(
            "maze",
            "grpo",
            seeds=3,
            settings={"demos": 200, "evaluate": 4, "rounds": 12, "tasks": 8},
            world_settings={"max_steps": 30},
        ),
    ),
)
