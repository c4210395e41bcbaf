"""Learning from a guide that can only continue: what PPO++, AggreVaTeD, LOLS and D2LOLS share (specs/learn/rlgf).

The four differ in who rolls in, round by round, and in nothing else. The turn version: a turn stands where the
published methods have a token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from turnwise.agents.spec import expert
from turnwise.core.progress import Progress
from turnwise.core.types import CreditTable, Episode, Signal
from turnwise.credit.turn_gae import TurnGae
from turnwise.credit.whiten import Whiten, check_whiten
from turnwise.explore.rolls import GUIDE, Rolls
from turnwise.learn.hands import Trains, check_trains
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Setup, Trial, setting
from turnwise.recipes.imitate import imitation, make_policy, parts_of, tables_of
from turnwise.recipes.improve import check_parts, step_settings
from turnwise.recipes.turn_ppo import TurnPpoSettings

if TYPE_CHECKING:
    from turnwise.learn.weights.rlgf import Rlgf

First = Literal["guide", "learner"]
"""Who rolls in."""


@dataclass(frozen=True)
class RlgfSettings(TurnPpoSettings):
    """Turn-level PPO beside a guide."""

    guide: str = setting("", "which scripted player guides; empty: the world's own demonstrator", needs="rounds")
    beta: float = setting(
        0.8,
        "share of episodes that change hands; 0 is turn-level PPO",
        "RLGF: 0.6 or 0.8; AggreVaTeD 1.0",
        needs="rounds",
    )
    trains: str = setting(
        "prefix",
        "where the guide ends: train the `prefix`, all the learner's turns, or the `switch`, its last one",
        "RLGF code: prefix; its paper: switch",
        needs="rounds",
    )
    guide_lr: float = setting(1e-3, "step size of the critic of the guide", needs="rounds")
    guide_epochs: int = setting(2, "passes of the critic of the guide over a round", needs="rounds", least=1)


def build_rlgf(setup: Setup, rule: TurnGae, first: Callable[[int], First]) -> Parts:
    """Imitate, evaluate, rounds of shared episodes and PPO on the learner's turns, evaluate.

    Args:
        setup: with `RlgfSettings`.
        rule: of both critics, without whitening.
        first: who rolls in, by number of the round.
    """
    from turnwise.learn.weights.guide_critic import GuideCritic, GuideCriticSettings
    from turnwise.learn.weights.policy_gradient import PolicyGradient
    from turnwise.learn.weights.rlgf import Rlgf

    s: RlgfSettings = setup.settings
    guide = expert(setup.world, s.guide)
    check_parts(s, rule, Rolls(guide, beta=s.beta))
    check_whiten(s.whiten)
    check_trains(s.trains)
    how = step_settings(setup)
    fit = GuideCriticSettings(s.guide_lr, s.guide_epochs, s.minibatches, s.batch_tokens, s.gamma, s.max_norm)
    policy = make_policy(setup, critic=True)
    tables = tables_of(setup, policy)
    tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        table = tables.of_policy("improve", number, progress, s.tasks * s.group)
        chosen = [task for task in tasks_in_turn(tasks, s.tasks, number) for _ in range(s.group)]
        return table.collect(Rolls(guide, first(number), s.beta), chosen)

    def learner() -> Rlgf:
        return Rlgf(PolicyGradient(policy, how, setup.seed), GuideCritic(policy, fit, setup.seed), GUIDE)

    def credit(learner: Rlgf, episodes: Sequence[Episode], signals: Sequence[Signal]) -> CreditTable:
        return learner.credit(rule, episodes, cast(Trains, s.trains), cast(Whiten, s.whiten))

    improve = Stage("improve", s.rounds, collect, learner, credit)
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


def on_the_lock(against: str | tuple[str, ...], **how: object) -> Trial:
    """A lock of eight dials, a guide that turns each right with probability .8 and so opens it once in six times, and a
    learner that begins blind, all it was shown being how a dial is turned: it would open one in 6,561.
    """
    shared = {
        "expert": "uniform",
        "demos": 150,
        "demo_lr": 3e-3,
        "max_new": 8,
        "evaluate": 8,
        "rounds": 60,
        "tasks": 768,
        "minibatches": 4,
    }
    return Trial("combination-lock", against, seeds=3, settings=shared | how, world_settings={"length": 8})
