"""Worlds that come in families: settings that can be mutated, compared, and met with one and the same linear policy.

Explorers that make new environments (`turnwise.explore.poet`) need no more of a world than this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from turnwise.worlds.tabular import Tabular

Settings = Mapping[str, Any]


class Grows(Protocol):
    """A family of worlds; the class is the family, an object is one of its environments."""

    first: ClassVar[Settings]  # the easiest environment

    def __init__(self, **settings: Any): ...

    @classmethod
    def mutate(cls, settings: Settings, rng: np.random.Generator) -> Settings:
        """Settings of a child: some of the numbers changed by a step, never all the same as before."""
        ...

    @classmethod
    def vector(cls, settings: Settings) -> np.ndarray:
        """float64 [D]: the settings as numbers, one step of a mutation being about 1."""
        ...

    def problem(self) -> Tabular:
        """The environment as arrays."""
        ...

    def features(self) -> np.ndarray:
        """float64 [S, F]: what a policy sees in each state of the table; F is the same in the whole family."""
        ...
