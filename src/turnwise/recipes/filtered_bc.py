"""Percent BC: imitate only the episodes with the highest return (specs/learn/bc_family)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.learn.filters import FILTERS, check_ranking, check_share
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of
from turnwise.recipes.mazes import HALF_RANDOM, SHORT


@dataclass(frozen=True)
class FilteredBcSettings(ImitateSettings):
    """Cloning of the best part."""

    share: float = setting(
        0.1, "share of the demonstrations that is kept, by return", "LMRL-Gym: 0.1, Wordle 0.3", needs="demos"
    )
    rank: str = setting(
        "data", "what is ranked together: all the data, or each task's episodes", "LMRL-Gym: data", needs="demos"
    )
    demo_epochs: int = setting(8, "passes over what is kept", needs="demos", least=1)


def build_filtered_bc(setup: Setup) -> Parts:
    """Filter, imitate, evaluate."""
    s: FilteredBcSettings = setup.settings
    check_share(s.share)
    check_ranking(s.rank)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    stages = imitation(setup, policy, choose=lambda episodes: FILTERS[s.rank](episodes, s.share))
    return parts_of(policy, [*stages, tables.evaluation("evaluate-after")])


RECIPE = Recipe(
    name="filtered-bc",
    title="Percent BC: cloning of the best episodes",
    source="LMRL-Gym (arXiv 2311.18232); specs/learn/bc_family",
    settings=FilteredBcSettings,
    build=build_filtered_bc,
    claim=Claim(
        says="cloning the best tenth of each start's episodes beats cloning everything where the data has spread in "
        "return",
        against="bc on the same data",
        trial=Trial(
            "maze",
            "bc",
            by="return",
            seeds=3,
            settings={**HALF_RANDOM, "filtered-bc.rank": "task", "filtered-bc.demo_epochs": 80},
            world_settings=SHORT,
        ),
    ),
)
