"""Drafts from the context alone, whatever comes back: what all learning from edits begins with (specs/plan/cipher)."""

from __future__ import annotations

import dataclasses

from turnwise.learn.text.baselines import NoLearning
from turnwise.recipes.base import Claim
from turnwise.recipes.drafts import recipe, trial

LEARNERS = ("explore-exploit", "continual", "icl-edit", "cipher-1", "cipher-k")

RECIPE = recipe(
    "no-learning",
    "the same plain drafts, whatever comes back",
    lambda writer, settings: NoLearning(writer),
    Claim(
        says="before the first edit nobody knows more: the first document costs all learners the same",
        against="every way of learning from edits, after one round",
        trial=dataclasses.replace(trial(*LEARNERS, rounds=1), within=1e-9),
    ),
    instead="nothing",
)
