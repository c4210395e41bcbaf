"""Behaviour cloning: imitate everything the scripted player did (specs/learn/bc_family)."""

from __future__ import annotations

from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of


def build_bc(setup: Setup) -> Parts:
    """Imitation, then evaluation."""
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    return parts_of(policy, [*imitation(setup, policy), tables.evaluation("evaluate-after")])


RECIPE = Recipe(
    name="bc",
    title="Behaviour cloning",
    source="LMRL-Gym (arXiv 2311.18232); specs/learn/bc_family",
    settings=ImitateSettings,
    build=build_bc,
    claim=Claim(
        says="the return of the cloned policy is that of its data",
        against="the scripted player it imitates",
        trial=Trial("maze", "script:mix", by="return", within=2.0, seeds=3),
    ),
)
