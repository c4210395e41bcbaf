"""Mobile-R1 without its third stage: annotated steps, and never a whole episode (an arm of specs/learn/mobile_r1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from turnwise.credit.grpo import Grpo
from turnwise.explore import Grouped
from turnwise.loop import Parts
from turnwise.recipes.base import START, Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.grpo import GrpoSettings
from turnwise.recipes.imitate import imitation, make_policy, parts_of, tables_of
from turnwise.recipes.improve import check_parts
from turnwise.recipes.mobile_r1 import on_steps
from turnwise.worlds.annotated import world_of_annotators


@dataclass(frozen=True)
class StepRewardSettings(GrpoSettings):
    """GRPO over annotated steps."""

    rounds: int = setting(20, "rounds over annotated steps")
    tasks: int = setting(32, "annotated steps per round", needs="rounds", least=1)
    group: int = setting(8, "replies to each of them", "specs/learn/mobile_r1: 8", needs="rounds", least=2)
    step_form: float = setting(1.0, "reward for good form beside that for the right act", needs="rounds")


def build_step_reward_only(setup: Setup) -> Parts:
    """Imitate, evaluate, annotated steps, evaluate on whole episodes."""
    s: StepRewardSettings = setup.settings
    check_parts(s, Grpo(ddof=s.ddof), Grouped(s.group))
    policy = make_policy(setup, critic=False)
    shown, tables = replace(setup, world=world_of_annotators(setup.world)), tables_of(setup, policy)
    improve = on_steps(shown, policy, "improve", s.rounds, s.tasks, s.group)
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(shown, policy), before, improve, after])


RECIPE = Recipe(
    name="step-reward-only",
    title="Annotated steps after few demonstrations, without whole episodes",
    source="arXiv 2506.20332, its ablation; specs/learn/mobile_r1",
    settings=StepRewardSettings,
    build=build_step_reward_only,
    claim=Claim(
        says="annotated steps make the imitator they start from precise, on a phone where nothing goes wrong",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial(
            "grid-phone",
            START,
            seeds=3,
            settings={
                "demos": 100,
                "demo_epochs": 6,
                "demo_lr": 2e-3,
                "max_new": 32,
                "evaluate": 6,
                "rounds": 18,
                "lr": 2e-4,
            },
            world_settings={"slip": 0.0, "dialogs": 0.0},
        ),
    ),
)
