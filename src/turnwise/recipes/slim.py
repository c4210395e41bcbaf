"""SLIM: a critic and a normalised advantage per reward, so that no reward drowns another
(specs/learn/slim_multi_critic).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.credit.multi_critic import MultiCritic
from turnwise.feedback.components import Components
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import make_policy
from turnwise.recipes.improve import CriticSettings, build


@dataclass(frozen=True)
class ComponentSettings(CriticSettings):
    """Turn-level PPO on a world's rewards told apart."""

    group: int = setting(1, "episodes of each task per round", needs="rounds", least=1)
    tasks: int = setting(128, "tasks per round", needs="rounds", least=1)
    gamma: float = setting(0.99, "discount per turn, of every reward", "ours; SLIM's is not known", needs="rounds")
    lam: float = setting(0.95, "trace decay per turn", "ours; SLIM's is not known", needs="rounds")
    large: str = setting("", "a reward that is paid in another unit; empty: none is", needs="rounds")
    times: float = setting(100.0, "how many times its own size it is paid", "specs/learn/slim: 100", needs="rounds")


@dataclass(frozen=True)
class SlimSettings(ComponentSettings):
    """A critic per reward."""

    least_std: float = setting(
        0.0, "floor of an advantage's spread, against rewards that are nearly always 0", "ours", needs="rounds"
    )


def build_slim(setup: Setup) -> Parts:
    """The rule in the common way, on a policy with a value head per reward."""
    s: SlimSettings = setup.settings
    names = setup.world.rewards
    rule = MultiCritic(names, (1.0,) * len(names), s.gamma, s.lam, least_std=s.least_std)
    policy = make_policy(setup, critic=len(names))
    return build(setup, rule, [Components(setup.world, units_of(setup))], policy=policy)


def units_of(setup: Setup) -> Mapping[str, float]:
    """Factors of the rewards.

    Raises:
        UnknownName: the world has no reward of that name.
        TurnwiseError: a factor of no reward.
    """
    s: ComponentSettings = setup.settings
    if not s.large and s.times != ComponentSettings.times:
        raise TurnwiseError(f"times={s.times:g} has no effect without large", "a reward to be paid so", "set large")
    if not s.large:
        return {}
    if s.large not in setup.world.rewards:
        raise UnknownName(f"reward of {setup.world.name}", s.large, setup.world.rewards)
    return {s.large: s.times}


TRIAL = {"demos": 300, "expert": "uniform", "rounds": 15, "tasks": 96, "evaluate": 12, "large": "bump"}

RECIPE = Recipe(
    name="slim",
    title="SLIM: a critic per reward, the sum of their normalised advantages",
    source="arXiv 2402.00823; specs/learn/slim_multi_critic",
    settings=SlimSettings,
    build=build_slim,
    claim=Claim(
        says="where bumping into walls costs a hundred times what the goal pays, it still learns to reach the goal",
        against="summed: one critic on the sum of the same rewards",
        trial=Trial("loop-grid", "summed", seeds=3, settings=TRIAL),
    ),
)
