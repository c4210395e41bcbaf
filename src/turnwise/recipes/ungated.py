"""D-RA: step scores always counted, the foil of the gate (specs/credit/gated-reward-accumulation)."""

from __future__ import annotations

import math

from turnwise.credit.gated import Gated
from turnwise.feedback.praise import NAME, Praise, scores_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial
from turnwise.recipes.gated import PraisedSettings
from turnwise.recipes.improve import build


def build_ungated(setup: Setup) -> Parts:
    """Leave-one-out on outcome plus step scores, in the common way."""
    critic = Praise(scores_of(setup.settings.praise), setup.world.refusal)
    return build(setup, Gated(signals=(NAME,), thresholds=(-math.inf,)), [critic])


RECIPE = Recipe(
    name="ungated",
    title="D-RA: step scores added to the outcome, leave-one-out on the totals",
    source="arXiv 2508.10548; specs/credit/gated-reward-accumulation",
    settings=PraisedSettings,
    build=build_ungated,
    claim=Claim(
        says="with a step critic that praises what is useful it wins as often as without one: no harm, no large gain",
        against="rloo: the same learner on the outcome alone",
        trial=Trial(
            "work-submit",
            "rloo",
            within=0.1,
            settings={
                "demos": 300,
                "evaluate": 8,
                "rounds": 20,
                "tasks": 8,
                "group": 8,
                "ungated.praise": "work=0.1,fluff=0.1",
            },
        ),
    ),
)
