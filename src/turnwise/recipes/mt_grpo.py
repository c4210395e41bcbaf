"""MT-GRPO: the first turn has a z-score of its own reward, besides that of the outcome (specs/credit/baselines)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from turnwise.credit.mt_grpo import MtGrpo
from turnwise.credit.ragged import piece_of
from turnwise.credit.rule import CreditInput, CreditResult, Unit
from turnwise.credit.shaping import with_rewards
from turnwise.feedback.praise import NAME, Praise, scores_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class MtGrpoSettings(ImproveSettings):
    """Group credit with a reward for the first turn."""

    group: int = setting(8, "episodes of each task per round", "MT-GRPO: 21", needs="rounds", least=2)
    praise: str = setting(
        "*=0.5",
        "what a first turn is paid: act=score, ...; * stands for any act that the world carries out",
        "MT-GRPO: 0.5 where the tool's result holds the answer",
        needs="rounds",
    )
    w: float = setting(1.0, "weight of the first turn's z-score", "MT-GRPO: 1", needs="rounds")


@dataclass(frozen=True)
class FirstTurnPaid:
    """MT-GRPO with the step critic's word on the first turn as that turn's reward; later turns are the outcome's."""

    rule: MtGrpo
    name: ClassVar[str] = MtGrpo.name
    needs: ClassVar[frozenset[str]] = MtGrpo.needs | {"signals"}
    unit: ClassVar[Unit] = MtGrpo.unit
    biased: ClassVar[str] = MtGrpo.biased

    def assign(self, x: CreditInput) -> CreditResult:
        """What the first turn earned in the world goes to the next one, as outcome; where none follows it stays."""
        first_T = np.zeros(len(x.rewards_T), bool)
        first_T[x.starts_E1[:-1][np.diff(x.starts_E1) > 0]] = True
        alone_T = (np.diff(x.starts_E1) == 1)[piece_of(x.starts_E1)]
        moved_T = np.where(first_T & ~alone_T, x.rewards_T, 0.0)
        outcome_T = x.rewards_T - moved_T + np.concatenate([[0.0], moved_T[:-1]])
        paid_T = np.where(first_T & ~alone_T, x.signal(NAME, self.name), 0.0)
        return self.rule.assign(with_rewards(x, outcome_T + paid_T))


def build_mt_grpo(setup: Setup) -> Parts:
    """The rule in the common way, with a step critic."""
    s: MtGrpoSettings = setup.settings
    return build(setup, FirstTurnPaid(MtGrpo(w=s.w)), [Praise(scores_of(s.praise), setup.world.refusal)])


RECIPE = Recipe(
    name="mt-grpo",
    title="MT-GRPO: the outcome's z-score, and for the first turn one of its own",
    source="arXiv 2505.11821; specs/credit/baselines",
    settings=MtGrpoSettings,
    build=build_mt_grpo,
    claim=Claim(
        says="paying a first turn for asking, where answering at once is a coin's throw, wins more often than GRPO",
        against="grpo on the outcome alone, after as many episodes",
        trial=Trial(
            "bit-search",
            "grpo",
            settings={
                "demos": 300,
                "evaluate": 8,
                "rounds": 15,
                "tasks": 8,
                "group": 8,
                "averaging": "token-mean",
                "mt-grpo.praise": "ask 0=0.5,ask 1=0.5,ask 2=0.5",
            },
        ),
    ),
)
