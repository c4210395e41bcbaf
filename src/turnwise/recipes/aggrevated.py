"""AggreVaTeD: the learner begins an episode, the guide ends it, and what the guide made of the learner's turns is their
credit (specs/learn/rlgf).
"""

from __future__ import annotations

from turnwise.credit.turn_gae import TurnGae
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup
from turnwise.recipes.rlgf import RlgfSettings, build_rlgf, on_the_lock


def build_aggrevated(setup: Setup) -> Parts:
    """The guide rolls out."""
    s: RlgfSettings = setup.settings
    return build_rlgf(setup, TurnGae(s.gamma, s.lam), lambda number: "learner")


RECIPE = Recipe(
    name="aggrevated",
    title="AggreVaTeD: turns credited with what a guide makes of them",
    source="RLGF (arXiv 2306.11816), AggreVaTeD (arXiv 1703.01030); specs/learn/rlgf",
    settings=RlgfSettings,
    build=build_aggrevated,
    claim=Claim(
        says="beats its guide on a lock, since what the guide makes of each digit tells the right one from the others",
        against="turn-ppo after as many episodes, and the guide itself",
        trial=on_the_lock(("turn-ppo", "script:good")),
    ),
)
