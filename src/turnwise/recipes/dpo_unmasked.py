"""Multi-turn DPO that also counts what the world said: the mistake that M-DPO's mask prevents
(specs/learn/multi_turn_dpo_kto).
"""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe
from turnwise.recipes.dpo import DpoSettings, build_dpo
from turnwise.recipes.m_dpo import TOY

RECIPE = Recipe(
    name="dpo-unmasked",
    title="DPO on whole transcripts, the world's words included",
    source="arXiv 2409.02392, its ablation; specs/learn/multi_turn_dpo_kto",
    settings=DpoSettings,
    build=build_dpo,
    changes={"counts": "all"},
    instead="preferences",
    leans=("pairs",),
    claim=Claim(
        says="even with the world's words counted it wins at least as often as imitation of winners",
        against="raft, on as many paths of two policies",
        trial=TOY,
    ),
)
