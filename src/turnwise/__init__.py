"""turnwise: simulate, train, guide and evaluate agents that act over many turns.

Names are imported on first use, so that `import turnwise` costs nothing.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

__version__ = "0.1.0"

# Read when torch is first loaded. By default its threads spin at every barrier; on a machine that does anything else
# they starve each other, and a forward pass becomes tens of times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

HOMES = {
    "train": "turnwise.api.training",
    "resume": "turnwise.api.training",
    "evaluate": "turnwise.api.evaluating",
    "compare": "turnwise.api.comparing",
    "open_run": "turnwise.api.runs",
    "Run": "turnwise.api.runs",
    "Evaluation": "turnwise.api.evaluation",
    "Comparison": "turnwise.api.comparison",
    "WORLDS": "turnwise.worlds",
    "make": "turnwise.worlds",
    "World": "turnwise.worlds.base",
    "RECIPES": "turnwise.recipes",
    "Recipe": "turnwise.recipes.base",
    "RunFolder": "turnwise.core.run_folder",
    "TurnwiseError": "turnwise.core.errors",
    "Cursor": "turnwise.core.cursor",
    "play": "turnwise.core.cursor",
    "Table": "turnwise.explore.table",
    "Act": "turnwise.core.types",
    "Batch": "turnwise.core.types",
    "End": "turnwise.core.types",
    "Episode": "turnwise.core.types",
    "Message": "turnwise.core.types",
    "Moment": "turnwise.core.types",
    "Signal": "turnwise.core.types",
    "Task": "turnwise.core.types",
    "Turn": "turnwise.core.types",
    "View": "turnwise.core.protocols",
    "Chance": "turnwise.core.chance",
    "Estimate": "turnwise.measure.estimate",
}
"""The public names, and where each lives."""

__all__ = [*HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'turnwise' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
