"""CIPHER-1: what a user wants is inferred from its edits, stored by context, and taken from the nearest context
(specs/plan/cipher).
"""

from __future__ import annotations

from turnwise.learn.text.cipher import Cipher
from turnwise.recipes.base import Claim
from turnwise.recipes.drafts import recipe, trial

RECIPE = recipe(
    "cipher-1",
    "CIPHER-1: preferences inferred from edits, of the nearest context",
    lambda writer, settings: Cipher(writer, 1),
    Claim(
        says="edits cost less than where the context counts for nothing, or nothing is learned",
        against="one preference from the latest edits, from the first, none; the same writer",
        trial=trial("continual", "explore-exploit", "no-learning"),
    ),
    instead="memory of preferences",
)
