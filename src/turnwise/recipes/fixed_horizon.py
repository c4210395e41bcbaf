"""TTI without its curriculum: imitation of all successes so far, at one horizon (the baseline of specs/learn/tti)."""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe, Trial
from turnwise.recipes.tti import TtiSettings, build_tti

RECIPE = Recipe(
    name="fixed-horizon",
    title="Imitation of successes from all rounds, at one horizon",
    source="arXiv 2506.07976, its baseline; specs/learn/tti",
    settings=TtiSettings,
    build=build_tti,
    changes={"schedule": "fixed"},
    claim=Claim(
        says="successes of all rounds teach more than the best of the last round alone",
        against="online-filtered-bc, with as many episodes in each round",
        trial=Trial(
            "maze",
            "online-filtered-bc",
            settings={"demos": 200, "evaluate": 4, "rounds": 10, "episodes": 24},
            world_settings={"max_steps": 30},
        ),
    ),
)
