"""CIPHER-k: what a user wants is inferred from its edits, stored by context, and asked of the k nearest contexts
(specs/plan/cipher).
"""

from __future__ import annotations

from turnwise.learn.text.cipher import Cipher
from turnwise.recipes.base import Claim
from turnwise.recipes.drafts import NearestSettings, recipe, trial

RECIPE = recipe(
    "cipher-k",
    "CIPHER-k: preferences inferred from edits, of the k nearest contexts",
    lambda writer, settings: Cipher(writer, settings.k),
    Claim(
        says="edits cost less than with one context, with examples, with the latest edits, with the first, with none",
        against="the same writer, with all other ways of learning from the same edits",
        trial=trial("cipher-1", "icl-edit", "continual", "explore-exploit", "no-learning"),
    ),
    NearestSettings,
    instead="memory of preferences",
)
