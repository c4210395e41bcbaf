"""Step-wise DPO: pairs of alternative turns from the same state, each worth what followed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Batch
from turnwise.learn.alternatives import AGAINST, step_pairs
from turnwise.learn.pairs import Example
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, setting
from turnwise.recipes.dpo import KEY_CORRIDOR
from turnwise.recipes.prefer import PreferSettings, build

OBJECTIVES = ("dpo", "simpo")


@dataclass(frozen=True)
class StepDpoSettings(PreferSettings):
    """The objective, and what makes a pair."""

    objective: str = setting(
        "dpo", "dpo, or simpo, which needs no reference", "SPORT: dpo, iTool: simpo", needs="rounds"
    )
    beta: float = setting(0.1, "steepness of the objective", "SimPO in iTool: 2.5", needs="rounds")
    gamma: float = setting(0.5, "margin that simpo asks for", "iTool: 0.5", needs="rounds")
    gap: float = setting(0.1, "smallest difference in worth of two turns", "iTool: 0.1", needs="rounds")
    alike: float = setting(0.95, "largest overlap of their words", "iTool: 0.95", needs="rounds")
    against: str = setting("all", "the `worst` alternative, or `all`", "SPORT: all, iTool: worst", needs="rounds")
    least: int = setting(1, "paths through a turn before it is compared", needs="rounds", least=1)


def build_step_dpo(setup: Setup) -> Parts:
    """The objective in the common way; worlds whose answers are random are fine, since both turns start alike."""
    from turnwise.learn.weights.dpo import Dpo
    from turnwise.learn.weights.simpo import Simpo

    s: StepDpoSettings = setup.settings
    for kind, name, known in (("objective", s.objective, OBJECTIVES), ("way to choose", s.against, AGAINST)):
        if name not in known:
            raise UnknownName(kind, name, known)
    if s.objective == "dpo" and s.gamma != StepDpoSettings.gamma:
        raise TurnwiseError(
            f"gamma={s.gamma:g} has no effect with objective=dpo",
            f"objective=simpo, or gamma left at {StepDpoSettings.gamma:g}",
            "leave out gamma, or set objective=simpo",
        )

    def examples(batch: Batch, rng: np.random.Generator) -> Sequence[Example]:
        return step_pairs(batch.episodes, s.gap, s.alike, s.against, s.least)

    return build(setup, Dpo(s.beta) if s.objective == "dpo" else Simpo(s.beta, s.gamma), examples)


RECIPE = Recipe(
    name="step-dpo",
    title="Step-wise DPO: pairs of alternative turns from the same state",
    source="SPORT (arXiv 2504.21561), iTool (arXiv 2501.09766); specs/learn/sport, specs/learn/itool",
    settings=StepDpoSettings,
    build=build_step_dpo,
    instead="preferences",
    leans=("pairs",),
    claim=Claim(
        says="raises the success of the imitator it starts from where states come again",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=KEY_CORRIDOR,
    ),
)
