"""PPO with one value per turn: turn GAE, all tokens of a turn share its advantage (specs/credit/era-turn-gae)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.turn_gae import TurnGae
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import CriticSettings, build


@dataclass(frozen=True)
class TurnPpoSettings(CriticSettings):
    """Turn-level PPO."""

    group: int = setting(1, "episodes of each task per round", needs="rounds", least=1)
    tasks: int = setting(256, "tasks per round", needs="rounds", least=1)
    rounds: int = setting(28, "rounds of improvement")
    lr: float = setting(5e-4, "step size of improvement", needs="rounds")
    gamma: float = setting(0.99, "discount per turn", "ERA: 0.99", needs="rounds")
    lam: float = setting(0.95, "trace decay per turn", "ERA: 0.99; lower trusts the critic more", needs="rounds")
    whiten: str = setting("tokens", "advantages to mean 0 and spread 1 over sampled tokens", "ERA", needs="rounds")


def build_turn_ppo(setup: Setup) -> Parts:
    """Turn GAE in the common way."""
    s = setup.settings
    return build(setup, TurnGae(gamma=s.gamma, lam=s.lam, whiten=s.whiten))


RECIPE = Recipe(
    name="turn-ppo",
    title="Turn-level PPO: one value per turn",
    source="ERA, VAGEN; specs/credit/era-turn-gae",
    settings=TurnPpoSettings,
    build=build_turn_ppo,
    claim=Claim(
        says="turn GAE at least doubles the success of the imitator it starts from, within three minutes on two cores",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial("twenty-questions-small", times=2.0, seeds=3),
    ),
)
