"""RAFT on pairs: the better path is imitated, the worse left out (specs/learn/multi_turn_dpo_kto, a baseline)."""

from __future__ import annotations

from functools import partial

from turnwise.learn.pairs import pairs_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup
from turnwise.recipes.dpo import KEY_CORRIDOR
from turnwise.recipes.prefer import MixedSettings, build


def build_raft(setup: Setup) -> Parts:
    """The objective in the common way; it compares nothing, so luck is only noise to it."""
    from turnwise.learn.weights.winners import Winners

    s: MixedSettings = setup.settings
    return build(setup, Winners(), partial(pairs_of, per_task=s.pairs), earlier=s.earlier)


RECIPE = Recipe(
    name="raft",
    title="RAFT: imitation of the better path of each pair",
    source="arXiv 2304.06767; specs/learn/multi_turn_dpo_kto, the baseline",
    settings=MixedSettings,
    build=build_raft,
    instead="imitation of winners",
    leans=("pairs",),
    claim=Claim(
        says="cloning the better of its own paths raises the success of the imitator it starts from",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=KEY_CORRIDOR,
    ),
)
