"""Percent BC: imitate only the episodes with the highest return (specs/learn/bc_family)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.learn.filters import check_share, top_share
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of


@dataclass(frozen=True)
class FilteredBcSettings(ImitateSettings):
    """Cloning of the best part."""

    share: float = setting(
        0.1, "share of the demonstrations that is kept, by return", "LMRL-Gym: 0.1, Wordle 0.3", needs="demos"
    )
    demo_epochs: int = setting(8, "passes over what is kept", needs="demos", least=1)


def build_filtered_bc(setup: Setup) -> Parts:
    """Filter, imitate, evaluate."""
    s: FilteredBcSettings = setup.settings
    check_share(s.share)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    stages = imitation(setup, policy, choose=lambda episodes: top_share(episodes, s.share))
    return parts_of(policy, [*stages, tables.evaluation("evaluate-after")])


RECIPE = Recipe(
    name="filtered-bc",
    title="Percent BC: cloning of the best episodes",
    source="LMRL-Gym (arXiv 2311.18232); specs/learn/bc_family",
    settings=FilteredBcSettings,
    build=build_filtered_bc,
    claim=Claim(
        says="cloning the best tenth beats cloning everything where the data has spread in return",
        against="bc on the same data",
        trial=Trial("maze", "bc", by="return"),
    ),
)
