"""LTC without PPO: the records of the pool are imitated, the world's words and failures too (specs/learn/ltc)."""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe, Trial
from turnwise.recipes.ltc import SETTINGS, LtcRecipeSettings, build_ltc

RECIPE = Recipe(
    name="ltc-imitation",
    title="LTC's pool without PPO: every record is imitated, whoever wrote it",
    source="LTC (arXiv 2310.01444), one of its parts; specs/learn/ltc",
    settings=LtcRecipeSettings,
    build=build_ltc,
    changes={"ppo": 0.0},
    instead="squashed return less value",
    leans=("critic",),
    claim=Claim(
        says="raises the success of the imitator it starts from",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial("grid-phone", settings=SETTINGS),
    ),
)
