"""ICL-edit: earlier drafts and their edits are shown as examples; no preference is put into words (specs/plan/cipher).

Its claim is the other half of what is said of memories by context: where all documents are of one kind, they have
nothing over the latest edits, nor over each other.
"""

from __future__ import annotations

import dataclasses

from turnwise.learn.text.baselines import IclEdit
from turnwise.recipes.base import Claim
from turnwise.recipes.drafts import NearestSettings, recipe, trial

WORDS = 5.0
"""In 200 rounds, where learning nothing costs some 2,500."""

RECIPE = recipe(
    "icl-edit",
    "the drafts and edits of the k nearest contexts as examples",
    lambda writer, settings: IclEdit(writer, settings.k),
    Claim(
        says="where all documents are of one kind, examples, memories and the latest edits come to the same",
        against="CIPHER-k, CIPHER-1 and the latest edits with one kind of document; the difference within 5 words",
        trial=dataclasses.replace(trial("cipher-k", "cipher-1", "continual", kinds=1), within=WORDS),
    ),
    NearestSettings,
    instead="examples",
)
