"""BFS-Prover: best-first search for proofs, imitation of the steps of middling difficulty, and a new start from the
base where nothing gets better any more (specs/learn/bfs_prover_v2).

The planner that splits a theorem is no part of training: `turnwise bench planner` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.recipes.base import Claim, Recipe, Trial, setting
from turnwise.recipes.expert_iteration import ExpertIterationRecipeSettings, build_expert_iteration


@dataclass(frozen=True)
class BfsProverSettings(ExpertIterationRecipeSettings):
    """Expert iteration as BFS-Prover does it."""

    search: str = setting("best-first", "how is searched: `tree` (UCT) or `best-first`", "arXiv 2502.03438")
    merge: bool = setting(True, "places that look alike are one", "specs/worlds/step-proving", needs="rounds")
    hold_demos: bool = setting(
        True, "demonstrations that succeeded are solutions from the start", "data of all earlier experts",
        needs="rounds",
    )  # fmt: skip
    patience: int = setting(
        3, "rounds without a rise after which all solved tasks are proved again, and all begins anew; 0: never",
        needs="rounds",
    )  # fmt: skip


TRIAL = Trial(
    "step-proving",
    "expert-iteration",
    seeds=3,
    settings={
        "demos": 400,
        "demo_epochs": 4,
        "demo_lr": 3e-3,
        "max_new": 6,
        "evaluate": 4,
        "rounds": 10,
        "tasks": 96,
        "simulations": 24,
        "width": 4,
        "most": 2,
        "lr": 3e-4,
        "search": "best-first",
        "merge": True,
        "hold_demos": True,
        "expert-iteration.low": 0.0,
        "expert-iteration.high": 1.0,
        "expert-iteration.tasks": 128,
    },
    world_settings={"depth": 4},
)
"""Ten rounds each; plain expert iteration gets more theorems, for those that the other proves again on a plateau."""

RECIPE = Recipe(
    name="bfs-prover",
    title="BFS-Prover: expert iteration with a band of difficulty and new starts",
    source="arXiv 2509.06493 and 2502.03438; specs/learn/bfs_prover_v2",
    settings=BfsProverSettings,
    build=build_expert_iteration,
    leans=("search",),
    claim=Claim(
        says="steps of middling difficulty and new starts prove more theorems deeper than those of training than plain "
        "expert iteration, which flattens",
        against="expert-iteration with the same search, all found steps imitated and no new start",
        trial=TRIAL,
    ),
)
