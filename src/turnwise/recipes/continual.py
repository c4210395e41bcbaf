"""Continual learning of one preference from the last edits, whatever their contexts (specs/plan/cipher)."""

from __future__ import annotations

from turnwise.learn.text.baselines import Continual
from turnwise.recipes.base import Claim
from turnwise.recipes.drafts import LatestSettings, recipe, trial

RECIPE = recipe(
    "continual",
    "one preference from the latest edits, in every context",
    lambda writer, settings: Continual(writer, settings.n),
    Claim(
        says="one preference for all kinds of documents costs less than none",
        against="the same writer without a preference",
        trial=trial("no-learning"),
    ),
    LatestSettings,
    instead="the latest edits",
)
