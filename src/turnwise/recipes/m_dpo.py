"""M-DPO as its paper runs it: rounds whose reference moves along, on paths of this policy and of the one before
(specs/learn/multi_turn_dpo_kto); and the arms that it is compared with.
"""

from __future__ import annotations

import dataclasses

from turnwise.recipes.base import Claim, Recipe, Trial
from turnwise.recipes.dpo import DpoSettings, build_dpo

MIXED = {"group": 5, "earlier": 3}
"""Of each task's paths, how many the policy plays, and how many the one before; the paper's are 20 and 10."""

TOY = Trial(
    "key-corridor", "raft", no_worse=0.1, seeds=3, settings={"demos": 300, "demo_epochs": 2, "rounds": 12, **MIXED}
)
"""Every arm on as many paths, of the same mixture."""

RECIPE = Recipe(
    name="m-dpo",
    title="M-DPO: multi-turn DPO in rounds, on paths of two policies",
    source="arXiv 2409.02392; specs/learn/multi_turn_dpo_kto",
    settings=DpoSettings,
    build=build_dpo,
    changes=MIXED,
    instead="preferences",
    leans=("pairs",),
    claim=Claim(
        says="it wins at least as often as with the world's words counted too, as with a reference that stays, and as "
        "imitation of winners",
        against="dpo-unmasked, dpo-fixed and raft, on as many paths of two policies",
        trial=dataclasses.replace(TOY, against=("dpo-unmasked", "dpo-fixed", "raft")),
    ),
)
