"""The oracle: it is told what the user wants of each document, which nobody else ever is (specs/plan/cipher)."""

from __future__ import annotations

from typing import Any

from turnwise.learn.text.baselines import NoLearning
from turnwise.recipes.base import Claim
from turnwise.recipes.drafts import NAMES, recipe, trial
from turnwise.worlds import make
from turnwise.worlds.base import World


def told(world: World, settings: Any) -> World:
    """The same users and documents, with what is wanted below the notes."""
    return make(world.name, **{**world.settings(), "told": True})


RECIPE = recipe(
    "oracle-preference",
    "the oracle, who is told what the user wants",
    lambda writer, settings: NoLearning(writer, name="oracle-preference"),
    Claim(
        says="who knows what the user wants pays less than all who have to learn it",
        against="every way of learning from edits",
        trial=trial(*(name for name in NAMES if name != "oracle-preference")),
    ),
    instead="the truth",
    sees=told,
)
