"""Clip and Delta: two bounded forms of a step score, which repetition cannot exploit (specs/credit/clip-and-delta)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.clip_delta import ClipDelta
from turnwise.credit.rloo import Rloo
from turnwise.feedback.praise import NAME, Praise, scores_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.gated import PraisedSettings
from turnwise.recipes.improve import build


@dataclass(frozen=True)
class ClipDeltaSettings(PraisedSettings):
    """Group credit on the outcome and bounded step scores."""

    form: str = setting(
        "both",
        "raw: the score as it is; clip: its part below eta; delta: differences; both",
        "paper: both",
        needs="rounds",
    )
    eta: float = setting(0.5, "score from which on a step costs nothing", needs="rounds")
    alpha: float = setting(1.0, "weight of the step scores beside the outcome", "ours: that of ungated", needs="rounds")


def build_clip_delta(setup: Setup) -> Parts:
    """Leave-one-out on the outcome and the bounded scores, in the common way."""
    s: ClipDeltaSettings = setup.settings
    rule = ClipDelta(NAME, s.form, s.eta, s.alpha, inner=Rloo())  # type: ignore[arg-type]
    return build(setup, rule, [Praise(scores_of(s.praise), setup.world.refusal)])


RECIPE = Recipe(
    name="clip-delta",
    title="Clip and Delta: step scores that can be lost, and telescope",
    source="arXiv 2410.15115; specs/credit/clip-and-delta",
    settings=ClipDeltaSettings,
    build=build_clip_delta,
    claim=Claim(
        says="where the step scores praise a useless act most, it survives what adding them does not",
        against="ungated: the same scores and learner, added as they are",
        trial=Trial(
            "work-submit",
            "ungated",
            seeds=3,
            settings={
                "demos": 300,
                "evaluate": 8,
                "rounds": 12,
                "tasks": 12,
                "group": 8,
                "praise": "fluff=0.9,work=0.6",
            },
        ),
    ),
)
