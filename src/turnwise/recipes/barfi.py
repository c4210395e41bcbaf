"""BARFI: the weights of a helping reward are learned too, by what they do to the primary one (specs/credit/barfi).

The sheet's inner loop settles before each outer step; here the blend moves while the policy learns. dJ/d phi is taken
through the next inner steps from where the policy is, with a damped series in place of the inverse of the curvature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from turnwise.core.types import CreditTable, Episode, Signal
from turnwise.credit.barfi import Barfi
from turnwise.credit.rloo import Rloo
from turnwise.feedback.praise import NAME, Praise, scores_of
from turnwise.learn.credited import credit_table
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.gated import PraisedSettings
from turnwise.recipes.improve import build

if TYPE_CHECKING:
    from turnwise.learn.weights.bilevel import Bilevel
    from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
    from turnwise.models.policy import Policy


@dataclass(frozen=True)
class BarfiSettings(PraisedSettings):
    """Group credit on a blend of outcome and step scores that is learned as well."""

    tasks: int = setting(
        16, "tasks per round; the outer loop asks one half of them about the other", needs="rounds", least=2
    )
    helping: float = setting(1.0, "weight of the step scores at the start", "ours, specs/credit/barfi", needs="rounds")
    outer: int = setting(1, "rounds from one step of the blend to the next; 0: it stays as it is", needs="rounds")
    outer_lr: float = setting(0.05, "step size of the blend", "ours, specs/credit/barfi", needs="outer")
    terms: int = setting(
        0,
        "products with the curvature per outer step, three gradients each; the series' first term needs none",
        "ours: batches of a round give noise for more; specs/credit/barfi: 5, settled",
        needs="outer",
    )
    l2: float = setting(
        0.25, "least damping of the curvature, halved", "ours, specs/credit/barfi", needs="outer", least=1e-9
    )


def build_barfi(setup: Setup) -> Parts:
    """Leave-one-out on the blend in the common way, with an outer step before the inner ones."""
    s: BarfiSettings = setup.settings
    rule = Barfi((NAME,), (0.0, 1.0, s.helping), inner=Rloo())

    def learner(policy: Policy, how: PolicyGradientSettings, seed: int) -> PolicyGradient:
        from turnwise.learn.weights.bilevel import Bilevel, Outer

        return Bilevel(policy, how, seed, rule, Outer(s.outer_lr, s.outer, s.terms, s.l2))

    def credit(learner: PolicyGradient, episodes: Sequence[Episode], signals: Sequence[Signal]) -> CreditTable:
        return credit_table(cast("Bilevel", learner).rule, episodes, learner.rows(episodes), None, signals)

    critic = Praise(scores_of(s.praise), setup.world.refusal)
    return build(setup, rule, [critic], credit=credit, learner=learner)


RECIPE = Recipe(
    name="barfi",
    title="BARFI: how much a helping reward counts is learned by what it does to the primary one",
    source="arXiv 2310.19007; specs/credit/barfi",
    settings=BarfiSettings,
    build=build_barfi,
    claim=Claim(
        says="a step critic that charges more for work than the task pays is unlearned: it wins as often as without, "
        "where the plain sum gives up",
        against="ungated, the plain sum of the same rewards, and rloo, the primary reward alone; the same learner",
        trial=Trial(
            "work-submit",
            ("ungated", "rloo"),
            no_worse=0.1,
            seeds=3,
            settings={
                "demos": 300,
                "evaluate": 8,
                "rounds": 24,
                "tasks": 8,
                "group": 8,
                "ungated.praise": "work=-0.3",
                "barfi.praise": "work=-0.3",
                "barfi.outer_lr": 0.5,
            },
        ),
    ),
)
