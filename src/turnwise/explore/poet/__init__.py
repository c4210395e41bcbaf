"""POET: environments that grow, and agents that learn in them and change places (specs/learn/poet)."""

from turnwise.explore.poet.course import Course
from turnwise.explore.poet.evolution import Adam, Evolution, Learner, centred_ranks, evolution_step
from turnwise.explore.poet.niches import Criterion, Niche, Pair, ancestors, novelty
from turnwise.explore.poet.poet import Poet, PoetSettings

__all__ = [
    "Adam",
    "Course",
    "Criterion",
    "Evolution",
    "Learner",
    "Niche",
    "Pair",
    "Poet",
    "PoetSettings",
    "ancestors",
    "centred_ranks",
    "evolution_step",
    "novelty",
]
