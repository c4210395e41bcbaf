"""RAPO: GRPO that leaves easy tasks out and steps further where few groups teach anything (specs/learn/rapo)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.rapo import Rapo
from turnwise.explore.pruning import Pruning
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class RapoSettings(ImproveSettings):
    """Group credit that is scaled by its rarity. The replay of old successes is not part of it: their tokens were
    sampled by another policy.
    """

    easy: float = setting(
        0.9,
        "share of a task's episodes solved in a pass from which it is left out; above 1: never",
        "RAPO: 0.9",
        needs="rounds",
        least=1e-6,
    )


def build_rapo(setup: Setup) -> Parts:
    """The rule in the common way, on the tasks that are still hard."""
    curriculum = Pruning(setup.world.tasks("train"), setup.settings.easy)
    return build(setup, Rapo(), curriculum=curriculum)


RECIPE = Recipe(
    name="rapo",
    title="RAPO: GRPO scaled by the share of useful groups, without easy tasks",
    source="Fathom-DeepResearch (arXiv 2509.24107); specs/learn/rapo",
    settings=RapoSettings,
    build=build_rapo,
    claim=Claim(
        says="leaving easy tasks out and scaling by the share of useful groups raises success over GRPO",
        against="grpo, as many tasks and episodes in each round",
        trial=Trial("twenty-questions-small", "grpo", seeds=3, settings={"rounds": 20, "averaging": "token-mean"}),
    ),
)
