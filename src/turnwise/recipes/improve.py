"""On-policy improvement in one common way: imitate, evaluate, then rounds of collect, credit, learn, and evaluate
again.

The recipes that use it differ in the credit rule alone, so a comparison of them is a comparison of credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turnwise.core import pairing
from turnwise.core.errors import WrongPairing
from turnwise.core.types import CreditTable, Episode
from turnwise.credit.rule import CreditRule
from turnwise.explore import Grouped, Independent
from turnwise.learn.credited import credit_table
from turnwise.loop import Parts, Progress, Stage, tasks_in_turn
from turnwise.recipes.base import Setup, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradient
    from turnwise.models.policy import Policy


@dataclass(frozen=True)
class ImproveSettings(ImitateSettings):
    """Settings of the on-policy recipes."""

    rounds: int = setting(30, "rounds of improvement")
    tasks: int = setting(16, "tasks per round")
    group: int = setting(8, "episodes of each task per round; 1 plays each task once", "GiGPO: 8")
    lr: float = setting(3e-4, "step size of improvement")
    epochs: int = setting(1, "passes over a round's episodes")
    minibatches: int = setting(2, "optimiser steps per pass")
    clip: float = setting(0.2, "PPO clip of the probability ratio", "LMRL-Gym PPO: 0.2")
    kl: float = setting(0.0, "weight of the KL to the imitator in the loss")
    entropy: float = setting(0.0, "weight of the entropy bonus")
    value: float = setting(0.5, "weight of the value loss, in units of the variance of its targets; 0 without a critic")
    averaging: str = setting("token-mean", "token-mean, row-mean, row-sum or constant", "specs/credit/baselines")
    max_norm: float = setting(1.0, "largest norm of the gradient")


def build(setup: Setup, rule: CreditRule, critic: bool) -> Parts:
    """Put the parts together for one credit rule.

    Args:
        setup: world, settings, model, seed.
        rule: spreads the signal.
        critic: whether the policy gets a value head.
    """
    s: ImproveSettings = setup.settings
    explorer = Grouped(s.group) if s.group > 1 else Independent()
    check_parts(setup, rule, explorer, critic)
    policy = make_policy(setup, critic)
    tables = tables_of(setup, policy)
    train_tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        tasks = tasks_in_turn(train_tasks, s.tasks, number)
        return tables.of_policy("improve", number, progress, s.tasks * s.group).collect(explorer, tasks)

    def credit(learner: PolicyGradient, episodes: Sequence[Episode]) -> CreditTable:
        rows = learner.rows(episodes)
        return credit_table(rule, episodes, rows, learner.values(rows))

    improve = Stage("improve", s.rounds, collect, lambda: gradient(setup, policy), credit)
    stages = [
        *imitation(setup, policy),
        tables.evaluation("evaluate-before"),
        improve,
        tables.evaluation("evaluate-after"),
    ]
    return parts_of(policy, stages)


def gradient(setup: Setup, policy: Policy) -> PolicyGradient:
    """The learner that the settings ask for."""
    from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings

    s: ImproveSettings = setup.settings
    how = PolicyGradientSettings(
        lr=s.lr,
        epochs=s.epochs,
        minibatches=s.minibatches,
        batch_tokens=s.batch_tokens,
        clip_low=s.clip,
        clip_high=s.clip,
        kl=s.kl,
        entropy=s.entropy,
        value=s.value,
        averaging=s.averaging,
        constant=float(setup.world.turns * s.max_new),
        max_norm=s.max_norm,
    )
    return PolicyGradient(policy, how, setup.seed)


def check_parts(setup: Setup, rule: CreditRule, explorer: Any, critic: bool) -> None:
    """Refuse what cannot work before anything is made."""
    gives = {"tokens", "logprobs", *pairing.gives_of(explorer)}
    if critic:
        gives |= {"critic", "token_critic"}
    pairing.check({f"credit rule {rule.name!r}": rule.needs}, gives)
    if critic != (setup.settings.value != 0.0):
        raise WrongPairing(
            f"value={setup.settings.value:g} with credit rule {rule.name!r}",
            "a positive weight for a rule with a critic, 0 for a rule without one",
            "leave out --set value",
        )
