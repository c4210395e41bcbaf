"""obstacle-run as text: a family of courses from a few flat cells to long ones full of obstacles, for POET."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.worlds import obstacle_run_rules as rules
from turnwise.worlds.grows import Settings
from turnwise.worlds.tabular import Tabular
from turnwise.worlds.tabular_world import TabularWorld

MOST = {"length": 20, "gaps": 6, "beams": 6, "stumps": 6, "slip": 0.05}
STEP = {"length": 1, "gaps": 1, "beams": 1, "stumps": 1, "slip": 0.005}


class ObstacleRun(TabularWorld):
    """Cross a line of cells: walk on flat ground, jump gaps after a run-up, duck under beams, climb stumps.

    A wrong act is a fall and ends the episode; getting through earns 1 and nothing else earns anything, so a long
    course tells a beginner nothing. Waiting, and any other text, does nothing but pass the turn; there are twice as
    many turns as cells.

    Args:
        length: cells.
        gaps, beams, stumps: how many cells hold one; at most one obstacle per cell, and none in the first.
        slip: chance to fall with the right act.
    """

    name = "obstacle-run"
    title = "cross a course of obstacles, from a family that grows (exact values)"
    acts = tuple(f"{act}\n" for act in rules.ACTS)
    refusal = "no such act. "
    first: ClassVar[Settings] = {"length": 2, "gaps": 0, "beams": 0, "stumps": 0, "slip": 0.0}

    def __init__(self, length: int = 6, gaps: int = 1, beams: int = 1, stumps: int = 1, slip: float = 0.0):
        given = {"length": length, "gaps": gaps, "beams": beams, "stumps": stumps, "slip": slip}
        if not fits(given):
            raise TurnwiseError(
                f"a course with {', '.join(f'{name} = {value}' for name, value in given.items())}",
                "2 cells or more, fewer obstacles than cells, and a slip from 0 to below 1",
            )
        self.length, self.gaps, self.beams, self.stumps, self.slip = length, gaps, beams, stumps, float(slip)

    @property
    def turns(self) -> int:  # type: ignore[override]  # a number elsewhere, here it follows from the length
        """Twice as many as cells."""
        return 2 * self.length

    def problem(self) -> Tabular:
        """The table of this course."""
        return rules.problem(self.length, self.gaps, self.beams, self.stumps, self.slip)

    def tell(self, point: rules.State) -> str:
        here, ahead = self.sees(point)
        return f"turn {point.t + 1} of {self.turns}, cell {point.cell + 1} of {self.length}: {here}, then {ahead}\n"

    def sees(self, point: rules.State) -> tuple[str, str]:
        """What lies here and in the next cell."""
        cells = rules.line(self.length, self.gaps, self.beams, self.stumps)
        return cells[point.cell], (*cells, rules.END)[point.cell + 1]

    def features(self) -> np.ndarray:
        """float64 [S, 9]: one of four for this cell, one of five for the next."""
        rows = []
        for point in self.problem().points:
            here, ahead = self.sees(point)
            rows.append([*(here == kind for kind in rules.KINDS), *(ahead == k for k in (*rules.KINDS, rules.END))])
        return np.array(rows, np.float64)

    @classmethod
    def mutate(cls, settings: Settings, rng: np.random.Generator) -> Settings:
        """Each number changes with probability 1/2, up twice as often as down, until it is a course and another one."""
        while True:
            child: dict[str, Any] = {}
            for name, value in settings.items():
                moved = value + STEP[name] * int(rng.integers(2)) * int(rng.choice([-1, 1, 1]))
                child[name] = type(STEP[name])(round(min(max(moved, cls.first[name]), MOST[name]), 6))
            if fits(child) and child != dict(settings):
                return child

    @classmethod
    def vector(cls, settings: Settings) -> np.ndarray:
        """float64 [5]: the settings in steps."""
        return np.array([settings[name] / STEP[name] for name in STEP])


def fits(settings: Settings) -> bool:
    """Whether there is such a course."""
    things = [settings[name] for name in ("gaps", "beams", "stumps")]
    return (
        settings["length"] >= 2 and min(things) >= 0 and sum(things) < settings["length"] and 0 <= settings["slip"] < 1
    )
