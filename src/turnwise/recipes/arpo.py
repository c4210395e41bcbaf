"""ARPO: branches where the policy became less sure, and GRPO's z-score over all paths of a task (specs/credit/arpo)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from turnwise.credit.arpo import Arpo
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.explore import Branching
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class ArpoSettings(ImproveSettings):
    """Group credit over trees."""

    group: int = setting(
        16, "paths of each task per round, branches among them", "ARPO scripts: 16", needs="rounds", least=2
    )
    roots: int = setting(
        0, "of them from the prompt, the others branch; 0: half", "ARPO scripts: 8 of 16", needs="rounds"
    )
    weight: float = setting(
        0.2, "how much a rise of entropy adds to the probability of a branch", "ARPO scripts: 0.2", needs="rounds"
    )
    even: float = setting(0.5, "probability of a branch where nothing rose", "ARPO repository: 0.5", needs="rounds")
    nats: float = setting(
        1.0, "one unit of that rise, in nats; the repository divides by ln(vocabulary)", needs="rounds", least=1e-3
    )
    live: int = setting(64, "most trees at once", least=1)


@dataclass(frozen=True)
class CountedPerPath:
    """A rule whose shared turns weigh as many times as paths share them, though each is trained once.

    ARPO trains every path with all its turns, so the gradient of a turn that d paths share is the sum of d terms.
    """

    rule: Arpo
    name: ClassVar[str] = Arpo.name
    needs: ClassVar[frozenset[str]] = Arpo.needs
    unit: ClassVar[Unit] = Arpo.unit
    biased: ClassVar[str] = Arpo.biased

    def assign(self, x: CreditInput) -> CreditResult:
        """d times each copy's credit, so that the mean over the copies is their sum."""
        node_T = x.given("node_T", self.name)
        found = self.rule.assign(x)
        return replace(found, credit=found.credit * np.bincount(node_T)[node_T])


def build_arpo(setup: Setup) -> Parts:
    """The rule in the common way, on trees."""
    s: ArpoSettings = setup.settings
    explorer = Branching(s.group, s.roots or s.group // 2, s.weight, s.even, s.nats)
    return build(setup, CountedPerPath(Arpo()), explorer=explorer)


RECIPE = Recipe(
    name="arpo",
    title="ARPO: branches where entropy rose, z-score over the paths of the task",
    source="arXiv 2507.19849; specs/credit/arpo",
    settings=ArpoSettings,
    build=build_arpo,
    claim=Claim(
        says="reaches the return of GRPO with half the calls to the world",
        against="grpo with twice as many episodes per task and round, all from the prompt",
        trial=Trial(
            "key-corridor",
            "grpo",
            by="return",
            no_worse=0.1,
            settings={
                "demos": 400,
                "demo_lr": 2e-3,
                "evaluate": 12,
                "rounds": 20,
                "tasks": 8,
                "averaging": "token-mean",
                "grpo.group": 16,
                "arpo.group": 8,
            },
        ),
    ),
)
