"""Mobile-R1 without its second stage: whole episodes straight after imitation (a baseline of specs/learn/mobile_r1)."""

from __future__ import annotations

from turnwise.recipes.base import START, Claim, Recipe, Trial
from turnwise.recipes.mobile_r1 import MobileR1Settings, build_mobile_r1

RECIPE = Recipe(
    name="task-reward-only",
    title="Whole episodes after few demonstrations, without annotated steps",
    source="arXiv 2506.20332, its ablation; specs/learn/mobile_r1",
    settings=MobileR1Settings,
    build=build_mobile_r1,
    changes={"step_rounds": 0},
    claim=Claim(
        says="whole episodes raise the success of the imitator they start from",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial(
            "grid-phone",
            START,
            seeds=3,
            settings={
                "demos": 100,
                "demo_epochs": 6,
                "demo_lr": 2e-3,
                "max_new": 32,
                "evaluate": 6,
                "tasks": 8,
                "rounds": 24,
                "lr": 2e-4,
            },
        ),
    ),
)
