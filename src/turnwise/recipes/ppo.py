"""PPO as LMRL-Gym has it: token GAE over the agent's tokens, a clipped surrogate, a value head
(specs/learn/lmrl_ppo).
"""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.token_gae import TokenGae
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import CriticSettings, build


@dataclass(frozen=True)
class PpoSettings(CriticSettings):
    """Token-level PPO."""

    group: int = setting(
        1, "episodes of each task per round", "LMRL-Gym: episodes are independent", needs="rounds", least=1
    )
    tasks: int = setting(128, "tasks per round", "LMRL-Gym: 128 episodes a round", needs="rounds", least=1)
    gamma: float = setting(1.0, "discount per sampled token", "LMRL-Gym: 1", needs="rounds")
    lam: float = setting(0.95, "trace decay per sampled token", "LMRL-Gym: 0.95", needs="rounds")
    whiten: str = setting(
        "tokens", "advantages to mean 0 and spread 1 over sampled tokens", "LMRL-Gym: tokens", needs="rounds"
    )


def build_ppo(setup: Setup) -> Parts:
    """Token GAE in the common way."""
    s = setup.settings
    return build(setup, TokenGae(gamma=s.gamma, lam=s.lam, whiten=s.whiten))


RECIPE = Recipe(
    name="ppo",
    title="Token-level PPO with a value head",
    source="LMRL-Gym (arXiv 2311.18232); specs/learn/lmrl_ppo",
    settings=PpoSettings,
    build=build_ppo,
    claim=Claim(
        says="PPO raises the return of a cloned policy above the policy it started from",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial(
            "key-corridor", by="return", settings={"demos": 300, "rounds": 12, "evaluate": 8, "minibatches": 8}
        ),
    ),
)
