"""Agent-R without its revisions: imitate the good paths of the same trees (the baseline of specs/learn/agent_r)."""

from __future__ import annotations

from turnwise.recipes.agent_r import RECIPE as AGENT_R
from turnwise.recipes.agent_r import AgentRSettings, build_agent_r
from turnwise.recipes.base import Claim, Recipe, Trial

TRIAL = AGENT_R.claim.trial

RECIPE = Recipe(
    name="good-paths",
    title="Imitation of the good paths of search trees",
    source="Agent-R (arXiv 2501.11425), its baseline; specs/learn/agent_r",
    settings=AgentRSettings,
    build=build_agent_r,
    changes={"revisions": 0},
    leans=("search",),
    claim=Claim(
        says="raises the return of the imitator it starts from",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial(TRIAL.world, by="return", seeds=3, settings=TRIAL.settings, world_settings=TRIAL.world_settings),
    ),
)
