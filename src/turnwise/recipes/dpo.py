"""Multi-turn DPO: pairs of whole paths, the log-ratios of the agent's own turns summed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from turnwise.core.errors import UnknownName
from turnwise.learn.pairs import pairs_of
from turnwise.learn.sides import side_rows, unmasked_rows
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.prefer import PathSettings, build, check_luck

KEY_CORRIDOR = Trial("key-corridor", seeds=3, settings={"demos": 300, "demo_epochs": 2, "rounds": 12})
"""A world of eight turns whose answers are fixed, and which the imitator seldom solves."""


COUNTS = {"own": side_rows, "all": unmasked_rows}


@dataclass(frozen=True)
class DpoSettings(PathSettings):
    """The objective."""

    beta: float = setting(0.1, "weight of the KL to the reference", "M-DPO: 0.1 (eta)", needs="rounds")
    nll: float = setting(0.0, "weight of imitating the better path", "M-DPO: 0", needs="rounds")
    counts: str = setting(
        "own",
        "which tokens count: the agent's `own`, or `all` that follow the first prompt",
        "M-DPO: own",
        needs="rounds",
    )


def build_dpo(setup: Setup) -> Parts:
    """The objective in the common way."""
    from turnwise.learn.weights.dpo import Dpo

    s: DpoSettings = setup.settings
    check_luck(setup, "dpo")
    if s.counts not in COUNTS:
        raise UnknownName("kind of tokens", s.counts, COUNTS)
    pairs = partial(pairs_of, per_task=s.pairs)
    return build(setup, Dpo(s.beta, s.nll), pairs, earlier=s.earlier, lay=COUNTS[s.counts])


RECIPE = Recipe(
    name="dpo",
    title="Multi-turn DPO: pairs of whole paths, the agent's own turns summed",
    source="M-DPO (arXiv 2409.02392); specs/learn/multi_turn_dpo_kto",
    settings=DpoSettings,
    build=build_dpo,
    instead="preferences",
    leans=("pairs",),
    claim=Claim(
        says="raises the success of the imitator it starts from where the world's answers are fixed",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=KEY_CORRIDOR,
    ),
)
