"""GiGPO: the return against the group, and each turn against the turns taken from equal states."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.gigpo import Gigpo
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class GigpoSettings(ImproveSettings):
    """Group credit with a step part."""

    group: int = setting(8, "episodes of each task per round", "GiGPO: 8", needs="rounds", least=2)
    gamma: float = setting(0.95, "discount per turn in the step part", "GiGPO: 0.95", needs="rounds")
    w: float = setting(1.0, "weight of the step part", "GiGPO: 1", needs="rounds")
    norm: str = setting(
        "mean_norm", "mean_norm or mean_std_norm: whether spreads are divided by", "GiGPO", needs="rounds"
    )


def build_gigpo(setup: Setup) -> Parts:
    """The rule in the common way; states are what the agent had in view."""
    s: GigpoSettings = setup.settings
    return build(setup, Gigpo(gamma=s.gamma, w=s.w, norm=s.norm))  # type: ignore[arg-type]  # the rule checks the word


RECIPE = Recipe(
    name="gigpo",
    title="GiGPO: group credit, and credit among turns taken from equal states",
    source="arXiv 2505.10978; specs/credit/baselines",
    settings=GigpoSettings,
    build=build_gigpo,
    claim=Claim(
        says="where episodes of a task come through the same states, it wins more often than GRPO",
        against="grpo, after as many episodes",
        trial=Trial(
            "loop-grid",
            "grpo",
            settings={"demos": 300, "evaluate": 8, "rounds": 15, "tasks": 8, "group": 8, "averaging": "token-mean"},
        ),
    ),
)
