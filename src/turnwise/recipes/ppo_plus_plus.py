"""PPO++: the guide begins an episode, the learner ends it and learns from its own turns (specs/learn/rlgf)."""

from __future__ import annotations

from turnwise.credit.turn_gae import TurnGae
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup
from turnwise.recipes.rlgf import RlgfSettings, build_rlgf, on_the_lock


def build_ppo_plus_plus(setup: Setup) -> Parts:
    """The guide rolls in."""
    s: RlgfSettings = setup.settings
    return build_rlgf(setup, TurnGae(s.gamma, s.lam), lambda number: "guide")


RECIPE = Recipe(
    name="ppo-plus-plus",
    title="PPO++: PPO that begins where a guide has led",
    source="RLGF (arXiv 2306.11816); specs/learn/rlgf",
    settings=RlgfSettings,
    build=build_ppo_plus_plus,
    claim=Claim(
        says="solves a lock on which PPO alone never earns anything, and beats the guide that led it there",
        against="turn-ppo after as many episodes, and the guide itself",
        trial=on_the_lock(("turn-ppo", "script:good")),
    ),
)
