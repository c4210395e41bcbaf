"""Multi-turn DPO whose reference stays where the rounds began (specs/learn/multi_turn_dpo_kto)."""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe
from turnwise.recipes.dpo import KEY_CORRIDOR, DpoSettings, build_dpo

RECIPE = Recipe(
    name="dpo-fixed",
    title="Multi-turn DPO with a reference that stays",
    source="arXiv 2409.02392, its ablation; specs/learn/multi_turn_dpo_kto",
    settings=DpoSettings,
    build=build_dpo,
    changes={"reference": "start"},
    instead="preferences",
    leans=("pairs",),
    claim=Claim(
        says="raises the success of the imitator it starts from, bound to it by the reference as it is",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=KEY_CORRIDOR,
    ),
)
