"""GRPO that comes back to the tasks which nobody solved: DeepTravel's failure replay (specs/learn/deeptravel)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.grpo import Grpo
from turnwise.explore.failures import FailureReplay
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.grpo import GrpoSettings
from turnwise.recipes.improve import build


@dataclass(frozen=True)
class FailureReplaySettings(GrpoSettings):
    """GRPO with a buffer of failed tasks."""

    replay: float = setting(0.25, "share of a replaying round that comes from the buffer", needs="rounds")
    every: int = setting(5, "rounds from one replay to the next", needs="replay", least=1)
    tries: int = setting(10, "replays of one task before it is given up", needs="replay", least=1)


def build_failure_replay(setup: Setup) -> Parts:
    """GRPO in the common way, with failed tasks played again."""
    s: FailureReplaySettings = setup.settings
    curriculum = FailureReplay(setup.world.tasks("train"), s.replay, s.every, s.tries)
    return build(setup, Grpo(ddof=s.ddof), curriculum=curriculum)


RECIPE = Recipe(
    name="failure-replay",
    title="GRPO that plays failed tasks again",
    source="DeepTravel (arXiv 2509.21842); specs/learn/deeptravel",
    settings=FailureReplaySettings,
    build=build_failure_replay,
    claim=Claim(
        says="playing failed tasks again raises success over playing all tasks alike",
        against="grpo, as many tasks and episodes in each round",
        trial=Trial(
            "maze",
            "grpo",
            seeds=3,
            settings={"demos": 200, "evaluate": 4, "rounds": 12, "tasks": 8},
            world_settings={"max_steps": 30},
        ),
    ),
)
