"""WebAgent-R1: cloning, then groups of episodes, with long pages left out of the prompt once the next one came
(specs/learn/webagent_r1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from turnwise.credit.grpo import Grpo
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.grpo import GrpoSettings
from turnwise.recipes.improve import build
from turnwise.worlds.compressed import PLACEHOLDER, Compressed


@dataclass(frozen=True)
class WebAgentR1Settings(GrpoSettings):
    """GRPO behind a compressed view."""

    placeholder: str = setting(PLACEHOLDER, "stands for a page once the next one came")


def build_webagent_r1(setup: Setup) -> Parts:
    """GRPO in the common way, in the same world seen through a short memory of pages; demonstrations too."""
    s: WebAgentR1Settings = setup.settings
    return build(replace(setup, world=Compressed(setup.world, s.placeholder)), Grpo(ddof=s.ddof, eps=1e-4))


RECIPE = Recipe(
    name="webagent-r1",
    title="WebAgent-R1: GRPO with earlier pages left out",
    source="arXiv 2505.16421; specs/learn/webagent_r1",
    settings=WebAgentR1Settings,
    build=build_webagent_r1,
    changes={"ddof": 0},
    claim=Claim(
        says="succeeds as often as with the whole history, though prompts do not grow with the pages seen",
        against="grpo with the whole history in view, as many tasks and episodes in each round",
        trial=Trial(
            "long-shop",
            "grpo",
            within=0.1,
            seeds=3,
            settings={
                "demos": 360,
                "demo_epochs": 6,
                "demo_lr": 2e-3,
                "evaluate": 2,
                "rounds": 15,
                "tasks": 8,
            },
        ),
    ),
)
