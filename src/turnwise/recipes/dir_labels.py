"""An arm of WaltzRL: the adviser is paid for right labels alone, never for what its advice improves."""

from __future__ import annotations

from turnwise.recipes.base import Claim, Recipe, Trial
from turnwise.recipes.dir import DirSettings, build_dir, trial_settings

RECIPE = Recipe(
    name="dir-labels",
    title="WaltzRL without its reward: advice is paid by right labels",
    source="arXiv 2510.08240; specs/credit/waltzrl-dir",
    settings=DirSettings,
    build=build_dir,
    changes={"improvement": 0.0, "label": 0.65},
    claim=Claim(
        says="an adviser who is paid for right labels alone already helps: fewer answers are unsafe or over-refusing "
        "than the answerer trained alone gives",
        against="reinforce: the same answerer without an adviser, on the same reward",
        trial=Trial("safe-answers", "reinforce", seeds=3, settings=trial_settings("dir-labels")),
    ),
)
