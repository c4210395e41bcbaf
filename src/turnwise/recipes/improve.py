"""On-policy improvement in one common way: imitate, evaluate, then rounds of collect, credit, learn, and evaluate
again.

The recipes that use it differ in the credit rule alone, so a comparison of them is a comparison of credit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turnwise.core import pairing
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError, WrongPairing
from turnwise.core.progress import Progress
from turnwise.core.protocols import Explorer
from turnwise.core.types import CreditTable, Episode, Signal
from turnwise.credit.rule import CreditRule
from turnwise.explore import Grouped, Independent
from turnwise.explore.curriculum import Curriculum
from turnwise.learn.credited import credit_table
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of, with_curriculum

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
    from turnwise.models.policy import Policy


Assign = Callable[["PolicyGradient", Sequence[Episode], Sequence[Signal]], CreditTable]
"""Learner, a round's episodes and what feedback said of them -> their credit."""


@dataclass(frozen=True)
class ImproveSettings(ImitateSettings):
    """Settings of the on-policy recipes."""

    rounds: int = setting(30, "rounds of improvement")
    tasks: int = setting(16, "tasks per round", needs="rounds", least=1)
    group: int = setting(
        8, "episodes of each task per round; 1 plays each task once", "GiGPO: 8", needs="rounds", least=1
    )
    lr: float = setting(3e-4, "step size of improvement", needs="rounds")
    epochs: int = setting(1, "passes over a round's episodes", needs="rounds", least=1)
    minibatches: int = setting(2, "optimiser steps per pass", needs="rounds", least=1)
    clip: float = setting(0.2, "PPO clip of the probability ratio", "LMRL-Gym PPO: 0.2", needs="rounds")
    kl: float = setting(0.0, "weight of the KL to the imitator in the loss", needs="rounds")
    entropy: float = setting(0.0, "weight of the entropy bonus", needs="rounds")
    averaging: str = setting(
        "token-mean",
        "token-mean, row-mean, row-sum, constant, episode-mean or episode-sum",
        "specs/credit/baselines",
        needs="rounds",
    )
    max_norm: float = setting(1.0, "largest norm of the gradient", needs="rounds")


@dataclass(frozen=True)
class CriticSettings(ImproveSettings):
    """Settings of the recipes whose policy has a value head."""

    value: float = setting(0.5, "weight of the value loss, in units of the variance of its targets", needs="rounds")


def build(
    setup: Setup,
    rule: CreditRule,
    feedback: Sequence[Any] = (),
    explorer: Explorer | None = None,
    curriculum: Curriculum | None = None,
    policy: Policy | None = None,
    step: PolicyGradientSettings | None = None,
    credit: Assign | None = None,
    choose: Callable[[Sequence[Episode]], list[Episode]] = list,
    learner: Callable[[Policy, PolicyGradientSettings, int], PolicyGradient] | None = None,
) -> Parts:
    """Put the parts together for one credit rule.

    Args:
        setup: world, settings, model, seed; with `CriticSettings` the policy gets a value head.
        rule: spreads the signal.
        feedback: judges of the episodes, for rules that read what they say.
        explorer: how a round is collected; None for straight episodes, in groups where the settings say so.
        curriculum: chooses the tasks of a round; None for all in turn.
        policy: what is trained, where feedback had to know it; None makes one.
        step: how credit becomes a step; None as the common settings ask.
        credit: lays the rule's credit on a round's episodes; None: the rule reads the record, the critic, the signals.
        choose: what is learned from, of a round's episodes; all of them by default.
        learner: made from policy, step and seed; None is `PolicyGradient`.
    """
    from turnwise.learn.weights.policy_gradient import PolicyGradient

    s: ImproveSettings = setup.settings
    expected = s.tasks if explorer else s.tasks * s.group  # episodes: a tree is one
    explorer = explorer or (Grouped(s.group) if s.group > 1 else Independent())
    check_parts(s, rule, explorer, feedback)
    how = step or step_settings(setup)
    policy = policy or make_policy(setup, critic=isinstance(s, CriticSettings))
    tables = tables_of(setup, policy)
    train_tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        table = tables.of_policy("improve", number, progress, expected)
        if curriculum is None:
            return table.collect(explorer, tasks_in_turn(train_tasks, s.tasks, number))
        episodes = table.collect(explorer, curriculum.draw(s.tasks, generator(setup.seed, "tasks", number)))
        curriculum.note(episodes)
        return episodes

    def by_rule(learner: PolicyGradient, episodes: Sequence[Episode], signals: Sequence[Signal]) -> CreditTable:
        rows = learner.rows(episodes)
        return credit_table(rule, episodes, rows, learner.values(rows), signals)

    make_learner = learner or PolicyGradient
    improve = Stage(
        "improve",
        s.rounds,
        collect,
        lambda: make_learner(policy, how, setup.seed),
        credit or by_rule,
        choose,
        feedback,
    )
    stages = [
        *imitation(setup, policy),
        tables.evaluation("evaluate-before"),
        improve,
        tables.evaluation("evaluate-after"),
    ]
    return (
        parts_of(policy, stages) if curriculum is None else with_curriculum(parts_of(policy, stages), curriculum, setup)
    )


def step_settings(setup: Setup) -> PolicyGradientSettings:
    """How the settings ask for a step."""
    from turnwise.learn.weights.policy_gradient import PolicyGradientSettings

    s: ImproveSettings = setup.settings
    return PolicyGradientSettings(
        lr=s.lr,
        epochs=s.epochs,
        minibatches=s.minibatches,
        batch_tokens=s.batch_tokens,
        clip_low=s.clip,
        clip_high=s.clip,
        kl=s.kl,
        entropy=s.entropy,
        value=s.value if isinstance(s, CriticSettings) else 0.0,
        averaging=s.averaging,
        constant=float(setup.world.turns * s.max_new),
        max_norm=s.max_norm,
    )


def check_parts(s: ImproveSettings, rule: CreditRule, explorer: Any, feedback: Sequence[Any] = ()) -> None:
    """Refuse what cannot work before anything is made."""
    check_clip(s)
    gives = {"tokens", "logprobs", "state", *pairing.gives_of(explorer, *feedback)}
    if feedback:
        gives.add("signals")
    if isinstance(s, CriticSettings):
        gives |= {"critic", "token_critic"}
    pairing.check({f"credit rule {rule.name!r}": rule.needs}, gives)
    if isinstance(s, CriticSettings) and not s.value:
        raise WrongPairing(
            f"value={s.value:g} with credit rule {rule.name!r}, whose critic would never learn",
            "a positive weight of the value loss",
            "leave out --set value",
        )


def check_clip(s: ImproveSettings) -> None:
    """With one step per round the ratio is 1 everywhere, and there is nothing to clip."""
    if s.epochs * s.minibatches == 1 and s.clip != type(s).clip:
        raise TurnwiseError(
            f"clip={s.clip:g} has no effect with epochs=1 and minibatches=1: a round's only step is taken at ratio 1",
            f"more than one step per round, or clip left at {type(s).clip:g}",
            "leave out clip, or set minibatches=2",
        )


def beats_its_start() -> Claim:
    """What every recipe of improvement must show first."""
    return Claim(
        says="raises the success of the imitator it starts from",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial("key-corridor", settings={"demos": 300, "rounds": 12, "evaluate": 8}),
    )
