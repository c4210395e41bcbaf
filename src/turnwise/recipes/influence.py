"""Influence in hidden-role talk: learn what to believe, and be paid for what others come to believe
(specs/credit/social-deduction-influence).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from turnwise.core.errors import WrongPairing
from turnwise.credit.influence import Influence
from turnwise.credit.turn_gae import TurnGae
from turnwise.feedback.beliefs import LISTENING, QUESTION, Beliefs
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import make_policy
from turnwise.recipes.improve import build, step_settings
from turnwise.recipes.turn_ppo import TurnPpoSettings

if TYPE_CHECKING:
    from turnwise.learn.weights.listening import Listening


@dataclass(frozen=True)
class InfluenceSettings(TurnPpoSettings):
    """Turn-level PPO with beliefs."""

    speaking: float = setting(
        1.0, "weight of the rise of the others' belief in the truth; 0: the end alone", "released: 1.0", needs="rounds"
    )
    listening: float = setting(
        5e-4,
        "step size of learning the answers to surveys; 0: not learned",
        "ours; released: weight 3.0",
        needs="rounds",
    )
    probes: int = setting(64, "surveys per round that the agent is asked, to see what it believes", needs="rounds")


def build_influence(setup: Setup) -> Parts:
    """Turn GAE on end and speaking rewards, and cross-entropy on the surveys.

    Raises:
        WrongPairing: the world has no hidden roles, so nobody can be asked who has which.
    """
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings
    from turnwise.learn.weights.listening import Listening
    from turnwise.learn.weights.policy_gradient import PolicyGradient
    from turnwise.models.options import shares

    s = setup.settings
    if not hasattr(setup.world, "asked"):
        raise WrongPairing(
            f"recipe 'influence' in world {setup.world.name!r}, where nobody's role is hidden",
            "a world with surveys of beliefs",
            "choose social-deduction-small or social-deduction",
        )
    policy = make_policy(setup, critic=True)
    rule = Influence(speaking=s.speaking, inner=TurnGae(gamma=s.gamma, lam=s.lam, whiten=s.whiten))
    how = step_settings(setup)
    hear = ImitationSettings(
        lr=s.listening, batch=64, batch_tokens=s.batch_tokens, last_lr=1.0, value=0.0, max_norm=s.max_norm
    )

    def score(views, options):
        return shares(policy, views, options, s.batch_tokens)

    def learner() -> Listening:
        actor, listener = PolicyGradient(policy, how, setup.seed), Imitation(policy, hear, setup.seed)
        return Listening(actor, listener, LISTENING, QUESTION)

    parts = build(setup, rule, [Beliefs(setup.world, score if s.probes else None, s.probes)], policy=policy)  # type: ignore[arg-type]
    stages = [replace(x, make_learner=learner) if x.name == "improve" and s.listening else x for x in parts.stages]
    return replace(parts, stages=stages)


RECIPE = Recipe(
    name="influence",
    title="Influence: paid for what others come to believe, taught what to believe",
    source="AAMAS 2025 (arXiv 2502.06060); specs/credit/social-deduction-influence",
    settings=InfluenceSettings,
    build=build_influence,
    claim=Claim(
        says="speaking and listening rewards raise the crew's wins over the end reward alone, after as many episodes",
        against="turn-ppo on the end reward, the same rule without beliefs",
        trial=Trial(
            "social-deduction-small",
            "turn-ppo",
            seeds=3,
            settings={"demos": 600, "demo_epochs": 4, "max_new": 10, "rounds": 12, "tasks": 96, "evaluate": 12},
        ),
    ),
)
