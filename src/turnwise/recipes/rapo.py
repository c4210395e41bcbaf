"""RAPO: GRPO that leaves easy tasks out, steps further where few groups teach anything, and plants an old success where
a whole group failed (specs/learn/rapo).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turnwise.core.errors import UnknownName, WrongPairing
from turnwise.core.types import CreditTable, Episode, Signal
from turnwise.credit.rapo import Rapo
from turnwise.explore.pruning import Pruning
from turnwise.feedback.steerable import NAME, Steerable
from turnwise.learn.credited import credit_table
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.grpo import GrpoSettings
from turnwise.recipes.improve import build

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
    from turnwise.models.policy import Policy

REWARDS = ("base", "steerable")


@dataclass(frozen=True)
class RapoSettings(GrpoSettings):
    """GRPO and three parts, each of which can be switched off."""

    easy: float = setting(
        0.9,
        "share of a task's episodes solved in a pass from which it is left out; above 1: never",
        "RAPO: 0.9",
        needs="rounds",
        least=1e-6,
    )
    scale: bool = setting(True, "credit times groups over groups with any spread", "RAPO", needs="rounds")
    replay: int = setting(
        10,
        "rounds during which a task's last success stands in where all its episodes fail; 0: none ever does",
        "ours: RAPO has no limit",
        needs="rounds",
    )
    ratio: str = setting(
        "stored",
        "what an old success is weighed by: `stored`, the log-probabilities of its sampler, or `forced` to 1, which is "
        "biased",
        needs="replay",
    )
    reward: str = setting(
        "base",
        "what is compared: the world's reward (`base`), or that of stage 2 (`steerable`), which taxes needless calls",
        "RAPO: stage 1 base, stage 2 steerable",
        needs="rounds",
    )


def build_rapo(setup: Setup) -> Parts:
    """The rule in the common way, on the tasks that are still hard, with old successes among new failures.

    Raises:
        WrongPairing: a steerable reward in a world that tells no calls.
    """
    from turnwise.learn.last_success import LastSuccess

    s: RapoSettings = setup.settings
    judges = judges_of(setup)
    rule = Rapo(s.ddof, scaled=s.scale, signal=NAME if judges else "")
    pruning = Pruning(setup.world.tasks("train"), s.easy) if s.easy <= 1 else None
    buffer = LastSuccess(s.replay, setup.seed)

    def numbers() -> Mapping[str, float]:
        return {"pruned_tasks": float(len(pruning.pruned))} if pruning else {}

    def learner(policy: Policy, how: PolicyGradientSettings, seed: int) -> PolicyGradient:
        from turnwise.learn.weights.planted import Planted

        return Planted(policy, how, seed, buffer, s.ratio, s.scale, numbers)

    def credit(learner: PolicyGradient, episodes: Sequence[Episode], signals: Sequence[Signal]) -> CreditTable:
        planted = [episodes[number] for number in sorted(buffer.planted)]
        told = [signal for judge in judges for signal in asyncio.run(judge.judge(planted))]
        return credit_table(rule, episodes, learner.rows(episodes), None, [*signals, *told])

    return build(setup, rule, judges, curriculum=pruning, credit=credit, choose=buffer.plant, learner=learner)


def judges_of(setup: Setup) -> list[Steerable]:
    """Who tells the reward; nobody where it is the world's own.

    Raises:
        UnknownName: neither of the two.
        WrongPairing: the world tells no calls.
    """
    reward = setup.settings.reward
    if reward not in REWARDS:
        raise UnknownName("reward", reward, REWARDS)
    if reward == "base":
        return []
    if not hasattr(setup.world, "calls"):
        raise WrongPairing(
            f"reward=steerable on {setup.world.name}, which tells no searches from checks",
            "a world whose acts are calls, such as search-rooms",
            "choose it, or leave out reward",
        )
    return [Steerable(setup.world)]


RECIPE = Recipe(
    name="rapo",
    title="RAPO: GRPO scaled by the share of useful groups, without easy tasks, with old successes planted",
    source="Fathom-DeepResearch (arXiv 2509.24107); specs/learn/rapo",
    settings=RapoSettings,
    build=build_rapo,
    claim=Claim(
        says="leaving easy tasks out, scaling by the share of useful groups and planting old successes raises success "
        "over GRPO",
        against="grpo, as many tasks and episodes in each round",
        trial=Trial("twenty-questions-small", "grpo", seeds=3, settings={"rounds": 20, "averaging": "token-mean"}),
    ),
)
