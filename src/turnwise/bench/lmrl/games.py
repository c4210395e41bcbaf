"""What is played: three games of LMRL-Gym made small, the six methods with their settings, and the published figures
(specs/worlds/lmrl-scores-and-data).

A game is made small where that leaves its question as it is: the same mazes with a walk that is given up sooner, and
Wordle with every twentieth word of its list. Wordle is made easier too, since no small model learned from nothing what
its published answers mean: they show the letters of the guess, and those who made the data rarely waste a guess. Every
method gets the same demonstrations, and those that start from a clone the same clone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from turnwise.recipes.mazes import SHORT, on_pieces
from turnwise.worlds import make
from turnwise.worlds.wordle import Wordle

METHODS = ("bc", "filtered-bc", "mc-returns", "ilql", "ppo", "online-filtered-bc")
"""Recipes, in the order of the published table's columns."""

SOURCE = "arXiv 2311.18232, tables 2 and 4 (specs/worlds/lmrl-scores-and-data)"


@dataclass(frozen=True)
class Published:
    """A row of the paper: by method, in the order of `METHODS`."""

    anchors: tuple[float, float, float]  # worst, data mean, best
    returns: tuple[float, ...]  # table 4
    scores: tuple[float, ...]  # table 2, as printed


@dataclass(frozen=True)
class Game:
    """A game: world, settings of all methods and of single ones, and who stands for the data and for the best."""

    world: str
    title: str
    world_settings: Mapping[str, Any]
    settings: Mapping[str, Any]  # NAME for all methods, METHOD.NAME for one, as `turnwise compare` takes them
    seeds: int
    data: str  # expert whose play is 50
    best: str  # expert whose play is 100
    smaller: str  # what is small about it, in words
    published: Published

    @property
    def worst(self) -> float:
        """The return of the longest game that is lost by legal acts alone, as in the paper."""
        return -float(make(self.world, **self.world_settings).turns)


ONLINE = {
    "ppo.rounds": 30,
    "ppo.tasks": 66,
    "ppo.minibatches": 8,
    "online-filtered-bc.rounds": 30,
    "online-filtered-bc.episodes": 66,
}
"""Both online methods play three games of each word in each of 30 rounds: a seventh of the data's games."""

VALUES = {"start": -6.0, "cql": 0.0, "lr": 1e-3, "batch": 32, "epochs": 1, "beta": 4.0, "top_p": 1.0}
"""Values of words in Wordle; -6 is what a lost game returns, see `turnwise.recipes.mazes`."""

GAMES: dict[str, Game] = {
    "maze": Game(
        "maze",
        "Maze, fully observed",
        SHORT,
        on_pieces(*METHODS),
        seeds=3,
        data="half-random",
        best="optimal",
        smaller="a walk fails after 40 moves instead of 100, 250 recorded pieces of 8 moves instead of 1,240",
        published=Published(
            (-101.0, -83.0, -6.84),
            (-72.1, -56.4, -48.1, -6.97, -37.7, -71.7),
            (58.2, 68.9, 75.0, 99.9, 79.7, 57.4),
        ),
    ),
    "maze-partial": Game(
        "maze-partial",
        "Maze, partially observed",
        SHORT,
        {**on_pieces(*METHODS), "mc-returns.batch": 8, "ilql.batch": 8},  # a row is a whole piece here
        seeds=3,
        data="half-random",
        best="optimal",
        smaller="a walk fails after 40 moves instead of 100, 250 recorded pieces of 8 moves instead of 1,240",
        published=Published(
            (-101.0, -83.0, -25.75),
            (-79.5, -82.9, -80.3, -52.9, -91.7, -79.5),
            (53.1, 50.1, 52.4, 76.3, 42.4, 53.1),
        ),
    ),
    "wordle": Game(
        "wordle",
        "Wordle",
        {"vocabulary": tuple(Wordle().words.list[::20]), "answers": "beside"},
        {
            "expert": "mostly-consistent",
            "demos": 14_000,
            "demo_epochs": 3,
            "demo_batch": 16,
            "demo_lr": 5e-3,
            "evaluate": 12,
            "filtered-bc.share": 0.75,
            "filtered-bc.demo_epochs": 4,
            **{f"mc-returns.{name}": value for name, value in VALUES.items()},
            **{f"ilql.{name}": value for name, value in VALUES.items()},
            "ilql.tau": 0.8,
            "ilql.alpha": 0.1,
            "ilql.backup": "turn",
            **ONLINE,
        },
        seeds=3,
        data="mostly-consistent",
        best="entropy",
        smaller="22 words, every twentieth of the list, instead of 431; and easier: an answer shows the letters of the "
        "guess beside their marks (`sg lb ay tb eg`) instead of marks alone, and a guess of the data fits what was "
        "seen with chance .8, else is any word, where the published chance is about .33",
        published=Published(
            (-6.0, -4.12, -1.94),
            (-2.81, -2.85, -2.16, -2.04, -2.63, -2.15),
            (79.9, 79.1, 94.9, 97.7, 84.2, 95.2),
        ),
    ),
}
