"""Token-level DPO over turns: multi-turn DPO whose margin is corrected by how far the laws moved at each token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from turnwise.core.errors import TurnwiseError
from turnwise.learn.pairs import pairs_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, setting
from turnwise.recipes.dpo import KEY_CORRIDOR
from turnwise.recipes.prefer import PathSettings, build, check_luck


@dataclass(frozen=True)
class TdpoSettings(PathSettings):
    """The objective."""

    beta: float = setting(0.1, "weight of the KL to the reference", "TDPO: 0.1", needs="rounds")
    alpha: float = setting(0.5, "weight of the correction in tdpo2", "TDPO: 0.5", needs="rounds")
    variant: str = setting("tdpo2", "tdpo1 for small step sizes, or tdpo2", "TDPO", needs="rounds")


def build_tdpo(setup: Setup) -> Parts:
    """The objective in the common way."""
    from turnwise.learn.weights.tdpo import Tdpo

    s: TdpoSettings = setup.settings
    check_luck(setup, "tdpo")
    if s.variant == "tdpo1" and s.alpha != TdpoSettings.alpha:
        raise TurnwiseError(
            f"alpha={s.alpha:g} has no effect with variant=tdpo1, whose correction weighs 1",
            f"variant=tdpo2, or alpha left at {TdpoSettings.alpha:g}",
            "leave out alpha, or set variant=tdpo2",
        )
    return build(setup, Tdpo(s.beta, s.alpha, s.variant), partial(pairs_of, per_task=s.pairs), earlier=s.earlier)


RECIPE = Recipe(
    name="tdpo",
    title="Token-level DPO: pairs of whole paths, the margin corrected by the KL at every token",
    source="TDPO (arXiv 2404.11999), over turns as M-DPO; specs/learn/tdpo",
    settings=TdpoSettings,
    build=build_tdpo,
    instead="preferences",
    leans=("pairs",),
    claim=Claim(
        says="raises the success of the imitator it starts from where the world's answers are fixed",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=KEY_CORRIDOR,
    ),
)
