"""SLIM with skills: one policy, told a number that means nothing, is also paid for skills that lead elsewhere, with a
critic of its own for that (specs/learn/slim_multi_critic). A higher policy that chooses among skills is no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from turnwise.credit.multi_critic import MultiCritic
from turnwise.feedback.components import Components
from turnwise.feedback.diversity import NAME, Diversity
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import make_policy
from turnwise.recipes.improve import build
from turnwise.recipes.slim import TRIAL, SlimSettings, units_of
from turnwise.worlds.skilled import Skilled, bare


@dataclass(frozen=True)
class SlimSkillsSettings(SlimSettings):
    """A critic per reward, diversity among them."""

    skills: int = setting(8, "how many skills there are", "ours; SLIM's is not known", needs="rounds", least=2)
    diverse: float = setting(1.0, "weight of diversity beside each reward of the world", "ours: all 1", needs="rounds")


def build_slim_skills(setup: Setup) -> Parts:
    """The rule in the common way, in a world with skills."""
    s: SlimSkillsSettings = setup.settings
    units = units_of(setup)
    skilled = replace(setup, world=Skilled(setup.world, s.skills))
    names = (*setup.world.rewards, NAME)
    weights = (*(1.0 for _ in setup.world.rewards), s.diverse)
    rule = MultiCritic(names, weights, s.gamma, s.lam, least_std=s.least_std)
    judges = [Components(skilled.world, units), Diversity(s.skills, bare)]
    return build(skilled, rule, judges, policy=make_policy(skilled, critic=len(names)))


RECIPE = Recipe(
    name="slim-skills",
    title="SLIM's skills: diversity as one more reward with a critic of its own",
    source="arXiv 2402.00823; specs/learn/slim_multi_critic",
    settings=SlimSkillsSettings,
    build=build_slim_skills,
    claim=Claim(
        says="skills that lead elsewhere cost little of the goal: one among several normalised rewards drowns none",
        against="slim: the same rewards and learner without skills",
        trial=Trial("loop-grid", "slim", no_worse=0.15, seeds=3, settings={**TRIAL, "slim-skills.skills": 4}),
    ),
)
