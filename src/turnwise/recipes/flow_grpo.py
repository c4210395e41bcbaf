"""Flow-GRPO: one outcome at the end, copied to every turn of the one who plans (specs/learn/flow_grpo)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from turnwise.core.errors import UnknownName
from turnwise.credit.flow_grpo import FlowGrpo
from turnwise.credit.grpo import Grpo
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build, step_settings

FORMS: dict[str, type[Grpo] | type[FlowGrpo]] = {"episode": Grpo, "row": FlowGrpo}


@dataclass(frozen=True)
class FlowGrpoSettings(ImproveSettings):
    """Group credit with a wider upper clip and a tie to the start."""

    form: str = setting(
        "episode",
        "mean and spread over `episode`s, or over `row`s: long episodes count once per turn",
        "paper: episode; released code: row",
        needs="rounds",
    )
    clip_high: float = setting(0.3, "clip of the ratio above 1", "AgentFlow: 0.3", needs="rounds")
    kl: float = setting(0.001, "weight of the KL to the imitator in the loss", "AgentFlow: 0.001", needs="rounds")


def build_flow_grpo(setup: Setup) -> Parts:
    """The rule in the common way, with a clip that is wider above."""
    s: FlowGrpoSettings = setup.settings
    if s.form not in FORMS:
        raise UnknownName("form", s.form, FORMS)
    return build(setup, FORMS[s.form](), step=replace(step_settings(setup), clip_high=s.clip_high))


RECIPE = Recipe(
    name="flow-grpo",
    title="Flow-GRPO: the outcome's z-score for every turn, clipped wider above",
    source="AgentFlow (arXiv 2510.05592); specs/learn/flow_grpo",
    settings=FlowGrpoSettings,
    build=build_flow_grpo,
    claim=Claim(
        says="reaches the success of GRPO, whose credit it is: a wider upper clip and a tie to the start cost nothing",
        against="grpo, as many episodes from the same kind of imitator",
        trial=Trial(
            "work-submit",
            "grpo",
            no_worse=0.05,
            seeds=3,
            settings={"demos": 300, "rounds": 12, "tasks": 16, "group": 6, "evaluate": 12, "averaging": "token-mean"},
        ),
    ),
)
