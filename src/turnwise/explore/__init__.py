"""How episodes are collected."""

from turnwise.core.registry import Registry
from turnwise.explore.branching import Branching
from turnwise.explore.independent import Grouped, Independent
from turnwise.explore.table import Table, run_plain

EXPLORERS = Registry(
    "explorer",
    {
        "best-first": "turnwise.explore.best_first:BestFirst",
        "branching": "turnwise.explore.branching:Branching",
        "grouped": "turnwise.explore.independent:Grouped",
        "independent": "turnwise.explore.independent:Independent",
        "rolls": "turnwise.explore.rolls:Rolls",
        "tree-search": "turnwise.explore.tree_search:TreeSearch",
    },
)

__all__ = ["EXPLORERS", "Branching", "Grouped", "Independent", "Table", "run_plain"]
