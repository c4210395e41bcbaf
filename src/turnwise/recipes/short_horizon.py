"""TTI kept at its first horizon: imitation of what few turns can reach (the other baseline of specs/learn/tti)."""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe, Trial
from turnwise.recipes.tti import TtiSettings, build_tti

RECIPE = Recipe(
    name="short-horizon",
    title="Imitation of successes from all rounds, all of them short",
    source="arXiv 2506.07976, its other baseline; specs/learn/tti",
    settings=TtiSettings,
    build=build_tti,
    changes={"schedule": "short"},
    claim=Claim(
        says="short episodes alone teach to finish: success rises above the imitator's",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial(
            "maze",
            settings={"demos": 200, "evaluate": 4, "rounds": 10, "episodes": 24},
            world_settings={"max_steps": 30},
        ),
    ),
)
