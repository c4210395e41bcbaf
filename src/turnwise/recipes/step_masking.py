"""Partial masking: imitate whole episodes, without loss on the turns that a teacher judged wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from turnwise.core.errors import UnknownName
from turnwise.feedback.optimum import NAME, Optimum
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of

if TYPE_CHECKING:
    from turnwise.learn.weights.imitation import Imitation

WRONG = ("mask", "keep")


@dataclass(frozen=True)
class StepMaskingSettings(ImitateSettings):
    """What becomes of wrong turns."""

    wrong: str = setting("mask", "wrong turns: `mask` them, or `keep` their loss", "STeP: mask", needs="demos")


def build_step_masking(setup: Setup) -> Parts:
    """Demonstrations, judged by the world's exact values; imitation of what was not wrong; evaluation."""
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings

    s: StepMaskingSettings = setup.settings
    if s.wrong not in WRONG:
        raise UnknownName("way with wrong turns", s.wrong, WRONG)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    judges: Sequence[Any] = [Optimum(setup.world.exact())] if s.demos else []
    how = ImitationSettings(
        lr=s.demo_lr,
        epochs=s.demo_epochs,
        batch=s.demo_batch,
        batch_tokens=s.batch_tokens,
        wrong=NAME if s.wrong == "mask" else "",
    )

    def learner() -> Imitation:
        return Imitation(policy, how, setup.seed)

    stages = [replace(stage, feedback=judges, make_learner=learner) for stage in imitation(setup, policy)]
    return parts_of(policy, [*stages, tables.evaluation("evaluate-after")])


RECIPE = Recipe(
    name="step-masking",
    title="Partial masking: cloning without loss on wrong turns",
    source="STeP (arXiv 2505.20023); specs/learn/partial_masking",
    settings=StepMaskingSettings,
    build=build_step_masking,
    claim=Claim(
        says="cloning of what was not wrong beats cloning of everything, on the same episodes",
        against="bc on the same data",
        trial=Trial("key-corridor", "bc", seeds=3, settings={"demos": 300}),
    ),
)
