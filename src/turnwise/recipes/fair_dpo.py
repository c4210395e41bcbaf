"""Multi-turn DPO where the world's answers are random: the luck of a path is known, and is no merit
(specs/learn/multi_turn_dpo_kto).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.errors import WrongPairing
from turnwise.core.types import Batch
from turnwise.feedback.luck import NAME, Luck
from turnwise.learn.pairs import Example, Side, pairs_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.prefer import MixedSettings, build

if TYPE_CHECKING:
    from turnwise.models.policy import Policy


@dataclass(frozen=True)
class FairDpoSettings(MixedSettings):
    """The objective."""

    beta: float = setting(
        0.1, "weight of the KL to the reference, and of the soft values that luck is told by", "M-DPO: 0.1 (eta)"
    )
    nll: float = setting(0.0, "weight of imitating the better path", "M-DPO: 0", needs="rounds")


def build_fair_dpo(setup: Setup) -> Parts:
    """Multi-turn DPO with the difference in luck as a margin.

    Raises:
        WrongPairing: the world's answers are fixed, or ratios are taken to another policy than the values.
        TurnwiseError: the world is no table.
    """
    from turnwise.learn.weights.dpo import Dpo

    s: FairDpoSettings = setup.settings
    world = setup.world
    if not world.random_observations or s.reference != "round":
        raise WrongPairing(
            f"fair-dpo on {world.name} with reference={s.reference}",
            "a world whose answers are random, and reference=round: the luck is told by the policy that played",
            "use dpo where answers are fixed, such as maze, or leave out reference",
        )
    acts = world.exact().acts
    world.soft(lambda views: np.full((len(views), len(acts)), 1.0 / len(acts)), s.beta)  # refused now, or never

    def judges(policy: Policy) -> Sequence[Luck]:
        from turnwise.models.law import law_of

        return (Luck(lambda: world.soft(law_of(policy, acts, s.batch_tokens), s.beta)),)

    def examples(batch: Batch, rng: np.random.Generator) -> Sequence[Example]:
        return with_luck(batch, rng, s.pairs)

    return build(setup, Dpo(s.beta, s.nll), examples, earlier=s.earlier, judges=judges)


def with_luck(batch: Batch, rng: np.random.Generator, per_task: int) -> list[Example]:
    """The pairs of whole paths, each with how much luckier its better side was."""
    known = {(signal.episode, signal.leaf): signal.value or 0.0 for signal in batch.signals if signal.name == NAME}

    def luck(side: Side) -> float:
        return known[batch.episodes[side.episode].id, side.leaf]

    pairs = pairs_of(batch, rng, per_task)
    return [replace(pair, luck=luck(pair.better) - luck(pair.worse)) for pair in pairs]


RECIPE = Recipe(
    name="fair-dpo",
    title="Multi-turn DPO that takes the luck of the answers out",
    source="M-DPO (arXiv 2409.02392), its remedy with exact values; specs/learn/multi_turn_dpo_kto",
    settings=FairDpoSettings,
    build=build_fair_dpo,
    instead="preferences",
    leans=("pairs",),
    claim=Claim(
        says="where answers are random, a margin that knows the luck of both paths teaches more than one that does not",
        against="dpo that takes luck for merit, on as many episodes",
        trial=Trial(
            "work-stop",
            "dpo",
            by="return",
            settings={
                "demos": 160,
                "demo_epochs": 3,
                "demo_batch": 4,
                "demo_lr": 3e-3,
                "rounds": 8,
                "max_new": 8,
                "evaluate": 8,
                "dpo.luck": "ignore",
            },
        ),
    ),
)
