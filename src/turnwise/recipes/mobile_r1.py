"""Mobile-R1: form from demonstrations, precision from annotated steps, recovery from whole episodes
(specs/learn/mobile_r1).

imitate   cross-entropy on annotated episodes
steps     one-step episodes over annotated steps, R = R_act + R_fmt, compared within each step
improve   whole episodes, R = R_task + R_fmt as the world pays it, compared within each task

The arms of the sheet are these stages with rounds of 0: `task-reward-only` leaves out the second, `step-reward-only`
the third, `bc` both. Its test of recovery is a setting of the phone, `wrong_tap`, which any can be evaluated with:
turnwise evaluate run:DIR --set wrong_tap=2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from turnwise.core.progress import Progress
from turnwise.core.types import CreditTable, Episode, Signal
from turnwise.credit.grpo import Grpo
from turnwise.explore import Grouped
from turnwise.learn.credited import credit_table
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.grpo import GrpoSettings
from turnwise.recipes.imitate import imitation, make_policy, tables_of
from turnwise.recipes.improve import build, step_settings
from turnwise.worlds.annotated import AnnotatedSteps, world_of_annotators

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradient
    from turnwise.models.policy import Policy


@dataclass(frozen=True)
class MobileR1Settings(GrpoSettings):
    """Three stages; the rounds of each may be 0."""

    step_rounds: int = setting(20, "rounds over annotated steps, before whole episodes")
    steps: int = setting(32, "annotated steps per round", needs="step_rounds", least=1)
    step_group: int = setting(8, "replies to each of them", "specs/learn/mobile_r1: 8", needs="step_rounds", least=2)
    step_form: float = setting(1.0, "reward for good form beside that for the right act", needs="step_rounds")


def build_mobile_r1(setup: Setup) -> Parts:
    """Imitate, evaluate, annotated steps, whole episodes, evaluate."""
    s: MobileR1Settings = setup.settings
    policy = make_policy(setup, critic=False)
    shown = replace(setup, world=world_of_annotators(setup.world))
    whole = build(setup, Grpo(ddof=s.ddof), policy=policy)
    first, *rest = [stage for stage in whole.stages if stage.name != "imitate"]
    steps = [on_steps(shown, policy, "steps", s.step_rounds, s.steps, s.step_group)] if s.step_rounds else []
    stages = [*imitation(shown, policy), first, *steps, *rest]
    return Parts(stages, whole.save)


def on_steps(setup: Setup, policy: Policy, name: str, rounds: int, steps: int, group: int) -> Stage:
    """The stage of one-step episodes: so many steps per round, so many replies to each."""
    from turnwise.learn.weights.policy_gradient import PolicyGradient

    s = setup.settings
    rule, how = Grpo(ddof=s.ddof), step_settings(setup)
    world = AnnotatedSteps(setup.world, setup.seed, s.step_form)
    tables = replace(tables_of(setup, policy), setup=replace(setup, world=world))
    order = world.in_order(setup.seed)

    def collect(number: int, progress: Progress) -> list[Episode]:
        table = tables.of_policy(name, number, progress, steps * group)
        return table.collect(Grouped(group), tasks_in_turn(order, steps, number))

    def credit(learner: PolicyGradient, episodes: Sequence[Episode], signals: Sequence[Signal]) -> CreditTable:
        return credit_table(rule, episodes, learner.rows(episodes), None, signals)

    return Stage(name, rounds, collect, lambda: PolicyGradient(policy, how, setup.seed), credit)


RECIPE = Recipe(
    name="mobile-r1",
    title="Mobile-R1: form, then annotated steps, then whole episodes",
    source="arXiv 2506.20332; specs/learn/mobile_r1",
    settings=MobileR1Settings,
    build=build_mobile_r1,
    claim=Claim(
        says="annotated steps first, then whole episodes, reach more tasks than whole episodes alone at equal turns, "
        "on a phone where taps slip",
        against="task-reward-only: the same few demonstrations, then whole episodes in all rounds",
        trial=Trial(
            "grid-phone",
            "task-reward-only",
            seeds=3,
            settings={
                "demos": 100,
                "demo_epochs": 6,
                "demo_lr": 2e-3,
                "max_new": 32,
                "evaluate": 6,
                "tasks": 8,
                "lr": 2e-4,
                "task-reward-only.rounds": 24,
                "mobile-r1.step_rounds": 18,
                "mobile-r1.rounds": 12,
            },
        ),
    ),
)
