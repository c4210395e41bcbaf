"""An arm of WaltzRL: improvements are paid, and spoiled answers charged, whatever the labels were."""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe, Trial
from turnwise.recipes.dir import DirSettings, build_dir, trial_settings

RECIPE = Recipe(
    name="dir-unconditional",
    title="WaltzRL without its condition: improvements count with wrong labels too",
    source="arXiv 2510.08240; specs/credit/waltzrl-dir",
    settings=DirSettings,
    build=build_dir,
    changes={"conditional": False},
    claim=Claim(
        says="even where the adviser need not be right to be paid, fewer answers are unsafe or over-refusing than the "
        "answerer trained alone gives",
        against="reinforce: the same answerer without an adviser, on the same reward",
        trial=Trial("safe-answers", "reinforce", seeds=3, settings=trial_settings("dir-unconditional")),
    ),
)
