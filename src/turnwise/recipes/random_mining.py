"""iTool without its mining: as many requests, chosen at random (the baseline of specs/learn/itool)."""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe, Trial
from turnwise.recipes.itool import TRIAL, ItoolSettings, build_itool

RECIPE = Recipe(
    name="random-mining",
    title="Pairs of fragments on requests chosen at random",
    source="iTool (arXiv 2501.09766), its baseline; specs/learn/itool",
    settings=ItoolSettings,
    build=build_itool,
    changes={"select": "random"},
    instead="preferences",
    leans=("pairs", "search"),
    claim=Claim(
        says="raises the exact match of the imitator it starts from, whatever requests are searched",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial(
            TRIAL.world,
            seeds=3,
            settings={
                name.removeprefix("random-mining."): value
                for name, value in TRIAL.settings.items()
                if not name.startswith(("bc.", "itool."))
            },
            world_settings=TRIAL.world_settings,
        ),
    ),
)
