"""Layouts, moves and texts of the LMRL-Gym mazes (specs/worlds/lmrl-maze).

A cell is (row, column), rows downward. Free cells are numbered in row-major order, and a set of cells is a whole
number, bit i standing for cell i: what a player can know of its place is such a set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from turnwise.core.errors import UnknownName
from turnwise.core.types import Message

Cell = tuple[int, int]
MOVES: dict[str, Cell] = {
    "move left\n": (0, -1),
    "move right\n": (0, 1),
    "move up\n": (-1, 0),
    "move down\n": (1, 0),
}
NEIGHBOURS = {"to your right": (0, 1), "to your left": (0, -1), "above you": (-1, 0), "below you": (1, 0)}
SUCCESS, FAILURE = "Success\n", "Failure\n"


@dataclass(frozen=True)
class Layout:
    """A maze with one goal.

    Args:
        rows: the map, "1" a wall; the border is walls all round.
        goal: the cell to reach.
        cut: where the published data was cut into parts that no trajectory leaves; None for one part.
    """

    rows: tuple[str, ...]
    goal: Cell
    cut: Cell | None = None

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The free cells in row-major order."""
        return tuple((r, c) for r, row in enumerate(self.rows) for c, mark in enumerate(row) if mark == "0")

    @cached_property
    def number(self) -> dict[Cell, int]:
        """The number of each free cell."""
        return {cell: i for i, cell in enumerate(self.cells)}

    @cached_property
    def starts(self) -> tuple[Cell, ...]:
        """Where an episode may begin: every free cell but the goal."""
        return tuple(cell for cell in self.cells if cell != self.goal)

    @cached_property
    def after(self) -> dict[str, tuple[int, ...]]:
        """Where each move leads from each cell, by number; into a wall leaves the cell."""
        return {
            text: tuple(self.number.get((r + dr, c + dc), i) for i, (r, c) in enumerate(self.cells))
            for text, (dr, dc) in MOVES.items()
        }

    def walls(self, cell: Cell) -> list[str]:
        """The sides of a cell on which there is a wall, in the order in which they are told."""
        return [side for side, (dr, dc) in NEIGHBOURS.items() if self.rows[cell[0] + dr][cell[1] + dc] == "1"]


LAYOUTS = {
    "double_t_maze": Layout(
        rows=(
            "1111111111111",
            "1000001000001",
            "1110111110111",
            "1110111110111",
            "1110111110111",
            "1110000000111",
            "1111110111111",
            "1111110111111",
            "1111110111111",
            "1111111111111",
        ),
        goal=(8, 6),
        cut=(5, 6),
    ),
    "umaze": Layout(rows=("11111", "10001", "10101", "10101", "11111"), goal=(3, 3)),
}
VIEWS = ("position", "goal", "walls")


def place(cell: Cell) -> str:
    """Coordinates with a space between digits: "1 0, 6"."""
    return ", ".join(" ".join(str(number)) for number in cell)


def tell(layout: Layout, describe: str, cell: Cell) -> str:
    """The observation at a cell: `position` tells goal, place and walls, `goal` goal and walls, `walls` walls alone."""
    walls = layout.walls(cell)
    if not walls:
        text = "There are no walls near you."
    elif len(walls) == 1:
        text = f"There is a wall {walls[0]}."
    else:
        text = f"There are walls {', '.join(walls)}."
    goal = f"The goal is at position {place(layout.goal)}. " if describe != "walls" else ""
    here = f"Your current position is at position {place(cell)}. " if describe == "position" else ""
    return f"{goal}{here}{text}\n"


class Sight:
    """What each cell looks like, and which cells a conversation leaves possible."""

    def __init__(self, layout: Layout, describe: str):
        self.layout = layout
        self.texts = tuple(tell(layout, describe, cell) for cell in layout.cells)
        self.everywhere = sum(1 << layout.number[cell] for cell in layout.starts)
        self.looks: dict[str, int] = {}  # text -> the cells that look so
        for i, text in enumerate(self.texts):
            if layout.cells[i] != layout.goal:
                self.looks[text] = self.looks.get(text, 0) | 1 << i
        self._moved: dict[tuple[int, str], int] = {}

    def moved(self, bits: int, move: str) -> int:
        """The set of cells after a move; the goal is left out, for there the episode would have ended."""
        found = self._moved.get((bits, move))
        if found is None:
            after = self.layout.after[move]
            found = 0
            for cell in members(bits):
                found |= 1 << after[cell]
            found = self._moved[bits, move] = found & self.everywhere
        return found

    def belief(self, messages: Sequence[Message]) -> int:
        """The cells at which one may be after the messages in view.

        Each is as likely as the others, for two starts that look the same so far have walls on the same sides, so
        that a move takes both along or neither, and no two of them ever meet. (Once the first text has left the view
        that is a convention: the cells that still fit, as if all were alike.)
        """
        bits = self.everywhere
        for message in messages:
            if message.role == "assistant":
                move = complete(message.text)
                bits = self.moved(bits, move) if move in MOVES else bits
            else:
                bits &= self.looks.get(message.text, 0)
        return bits


def members(bits: int) -> list[int]:
    """The numbers of the cells of a set."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


def complete(text: str) -> str:
    """The text with its final newline, which models and people leave out."""
    return text if text.endswith("\n") else text + "\n"


@lru_cache
def sight_of(layout: str, describe: str) -> Sight:
    """The shared tables of a layout seen in one way.

    Raises:
        UnknownName: no such layout or way.
    """
    if layout not in LAYOUTS:
        raise UnknownName("maze layout", layout, LAYOUTS)
    if describe not in VIEWS:
        raise UnknownName("way to describe a maze", describe, VIEWS)
    return Sight(LAYOUTS[layout], describe)
