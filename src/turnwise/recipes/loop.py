"""LOOP: leave-one-out credit, a narrow clip and few small steps, with one copy of the model (specs/learn/loop)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from turnwise.core.errors import TurnwiseError
from turnwise.credit.rloo import Rloo
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build, step_settings

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradientSettings


@dataclass(frozen=True)
class LoopSettings(ImproveSettings):
    """PPO without a critic."""

    group: int = setting(6, "episodes of each task per round", "LOOP: 6", needs="rounds", least=2)
    tasks: int = setting(20, "tasks per round", "LOOP: 40", needs="rounds", least=1)
    epochs: int = setting(2, "passes over a round's episodes", "LOOP: 2", needs="rounds", least=1)
    minibatches: int = setting(
        4,
        "steps per pass where every episode is kept: M, the size, is constant",
        "LOOP: M = 32",
        needs="rounds",
        least=1,
    )
    clip: float = setting(
        0.1, "e of the clip [1 / (1 + e), 1 + e] of the probability ratio", "LOOP: 0.1", needs="rounds"
    )
    ratio: str = setting(
        "token", "whose ratio is clipped: token, episode, or none for REINFORCE", "LOOP: token", needs="rounds"
    )
    averaging: str = setting(
        "episode-mean",
        "as others; episode-sum goes with the ratio of the episode",
        "LOOP: mean per rollout",
        needs="rounds",
    )
    least_credit: float = setting(0.01, "episodes whose credit is smaller are left out", "LOOP: 0.01", needs="rounds")
    kl_limit: float = setting(
        20.0,
        "nats per episode from the sampler after which a round's steps end",
        "LOOP: 20",
        needs="rounds",
        least=1e-6,
    )


def build_loop(setup: Setup) -> Parts:
    """Leave-one-out credit, and LOOP's own way to a step."""
    return build(setup, Rloo(), step=loop_step(setup))


def loop_step(setup: Setup) -> PolicyGradientSettings:
    """The narrow clip, the filter, the constant divisor and the stop.

    Raises:
        TurnwiseError: a clip where there is no ratio.
    """
    from turnwise.learn.weights.surrogate import log_symmetric

    s: LoopSettings = setup.settings
    if s.ratio == "none" and s.clip != LoopSettings.clip:
        raise TurnwiseError(
            f"clip={s.clip:g} has no effect with ratio=none", "a ratio to clip", "leave out clip, or set ratio=token"
        )
    low, high = log_symmetric(s.clip)
    return replace(
        step_settings(setup),
        ratio=s.ratio,
        clip_low=low,
        clip_high=high,
        dual_clip=None,
        least_credit=s.least_credit,
        kl_limit=s.kl_limit,
    )


RECIPE = Recipe(
    name="loop",
    title="LOOP: leave-one-out PPO without critic or reference",
    source="arXiv 2502.01600; specs/learn/loop",
    settings=LoopSettings,
    build=build_loop,
    claim=Claim(
        says="reaches at least the success of GRPO, without a critic and without dividing by the spread",
        against="grpo, as many episodes and as many steps on each, from the same kind of imitator",
        trial=Trial(
            "work-submit",
            "grpo",
            no_worse=0.05,
            seeds=3,
            settings={
                "demos": 300,
                "rounds": 12,
                "tasks": 16,
                "group": 6,
                "evaluate": 12,
                "epochs": 2,
                "minibatches": 4,
            },
        ),
    ),
)
