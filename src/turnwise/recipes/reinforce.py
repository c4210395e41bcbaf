"""REINFORCE: what a turn earned from there on, whitened over the batch as the only baseline."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.reward_to_go import RewardToGo
from turnwise.loop import Parts
from turnwise.recipes.base import Recipe, Setup, setting
from turnwise.recipes.improve import ImproveSettings, beats_its_start, build


@dataclass(frozen=True)
class ReinforceSettings(ImproveSettings):
    """Reward-to-go without a critic."""

    group: int = setting(1, "episodes of each task per round", needs="rounds", least=1)
    tasks: int = setting(128, "tasks per round", needs="rounds", least=1)
    gamma: float = setting(1.0, "discount per turn", needs="rounds")
    whiten: str = setting("tokens", "credit to mean 0 and spread 1 over sampled tokens: the baseline", needs="rounds")


def build_reinforce(setup: Setup) -> Parts:
    """Reward-to-go in the common way."""
    s = setup.settings
    return build(setup, RewardToGo(gamma=s.gamma, whiten=s.whiten))


RECIPE = Recipe(
    name="reinforce",
    title="REINFORCE: reward-to-go, whitened",
    source="Williams 1992; specs/credit/baselines",
    settings=ReinforceSettings,
    build=build_reinforce,
    claim=beats_its_start(),
)
