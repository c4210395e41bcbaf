"""G-RA: step scores count only where the return reached a threshold (specs/credit/gated-reward-accumulation)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from turnwise.credit.gated import Gated
from turnwise.feedback.praise import NAME, Praise, scores_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class PraisedSettings(ImproveSettings):
    """Group credit on the outcome and the scores of a step critic."""

    group: int = setting(8, "episodes of each task per round", "GiGPO: 8", needs="rounds", least=2)
    praise: str = setting(
        "*=0.1",
        "what the step critic pays: act=score, ...; * stands for any act that the world carries out",
        "specs/credit/gated-reward-accumulation",
        needs="rounds",
    )


@dataclass(frozen=True)
class GatedSettings(PraisedSettings):
    """The same behind a gate."""

    threshold: float = setting(
        1.0,
        "return from which an episode's step scores count",
        "ours: success; G-RA: a submitted patch",
        needs="rounds",
        least=-math.inf,
    )


def build_gated(setup: Setup) -> Parts:
    """Leave-one-out on gated totals, in the common way."""
    s: GatedSettings = setup.settings
    critic = Praise(scores_of(s.praise), setup.world.refusal)
    return build(setup, Gated(signals=(NAME,), thresholds=(s.threshold,)), [critic])


RECIPE = Recipe(
    name="gated",
    title="G-RA: step scores behind a gate, leave-one-out on the totals",
    source="arXiv 2508.10548; specs/credit/gated-reward-accumulation",
    settings=GatedSettings,
    build=build_gated,
    claim=Claim(
        says="a step critic that praises a useless act is survived behind the gate and learned from without it",
        against="ungated: the same critic and learner, step scores always counted",
        trial=Trial(
            "work-submit",
            "ungated",
            settings={"demos": 300, "evaluate": 8, "rounds": 20, "tasks": 8, "praise": "fluff=0.3"},
        ),
    ),
)
