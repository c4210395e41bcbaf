"""Multi-turn KTO: whole paths wanted or unwanted, each judged alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from turnwise.learn.pairs import verdicts_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, setting
from turnwise.recipes.dpo import KEY_CORRIDOR
from turnwise.recipes.prefer import PathSettings, build, check_luck


@dataclass(frozen=True)
class KtoSettings(PathSettings):
    """The objective."""

    beta: float = setting(0.1, "weight of the KL to the reference", "M-KTO: 0.1 (eta)", needs="rounds")
    good_weight: float = setting(1.0, "weight of wanted paths", "M-KTO: 1", needs="rounds")
    bad_weight: float = setting(1.0, "weight of unwanted paths", "M-KTO: 1", needs="rounds")


def build_kto(setup: Setup) -> Parts:
    """The objective in the common way."""
    from turnwise.learn.weights.kto import Kto

    s: KtoSettings = setup.settings
    check_luck(setup, "kto")
    return build(
        setup, Kto(s.beta, s.good_weight, s.bad_weight), partial(verdicts_of, per_task=s.pairs), earlier=s.earlier
    )


RECIPE = Recipe(
    name="kto",
    title="Multi-turn KTO: whole paths wanted or unwanted, each judged alone",
    source="M-KTO (arXiv 2409.02392), KTO (arXiv 2402.01306); specs/learn/multi_turn_dpo_kto",
    settings=KtoSettings,
    build=build_kto,
    instead="preferences",
    leans=("pairs",),
    claim=Claim(
        says="raises the success of the imitator it starts from where the world's answers are fixed",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=KEY_CORRIDOR,
    ),
)
