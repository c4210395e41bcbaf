"""LTC without its language-model loss: PPO with squashed Monte-Carlo returns, on the pool (specs/learn/ltc)."""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe, Trial
from turnwise.recipes.ltc import SETTINGS, LtcRecipeSettings, build_ltc

RECIPE = Recipe(
    name="ltc-ppo",
    title="LTC's pool without imitation: PPO on squashed Monte-Carlo returns",
    source="LTC (arXiv 2310.01444), one of its parts; specs/learn/ltc",
    settings=LtcRecipeSettings,
    build=build_ltc,
    changes={"lm": 0.0},
    instead="squashed return less value",
    leans=("critic",),
    claim=Claim(
        says="raises the success of the imitator it starts from",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial("grid-phone", settings=SETTINGS),
    ),
)
