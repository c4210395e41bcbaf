"""How episodes are collected."""

from turnwise.core.registry import Registry
from turnwise.explore.independent import Grouped, Independent
from turnwise.explore.table import Table, run_plain

EXPLORERS = Registry(
    "explorer",
    {"independent": "turnwise.explore.independent:Independent", "grouped": "turnwise.explore.independent:Grouped"},
)

__all__ = ["EXPLORERS", "Grouped", "Independent", "Table", "run_plain"]
