"""LOLS: each round is one of PPO++ or one of AggreVaTeD, by a coin (specs/learn/rlgf)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.credit.turn_gae import TurnGae
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, setting
from turnwise.recipes.rlgf import First, RlgfSettings, build_rlgf, on_the_lock


@dataclass(frozen=True)
class LolsSettings(RlgfSettings):
    """A coin per round."""

    tau: float = setting(
        0.8, "probability of a round of PPO++; the others are of AggreVaTeD", "RLGF: 0.8", needs="rounds"
    )


def build_lols(setup: Setup) -> Parts:
    """Who rolls in is drawn anew each round.

    Raises:
        TurnwiseError: tau is no probability.
    """
    s: LolsSettings = setup.settings
    if s.tau > 1.0:
        raise TurnwiseError(f"tau={s.tau:g}", "a probability from 0 to 1", "1 is PPO++, 0 is AggreVaTeD")

    def first(number: int) -> First:
        return "guide" if generator(setup.seed, "lols", number).random() < s.tau else "learner"

    return build_rlgf(setup, TurnGae(s.gamma, s.lam), first)


RECIPE = Recipe(
    name="lols",
    title="LOLS: PPO++ and AggreVaTeD by turns, drawn",
    source="RLGF (arXiv 2306.11816); specs/learn/rlgf",
    settings=LolsSettings,
    build=build_lols,
    claim=Claim(
        says="beats the guide on a lock on which PPO alone never earns anything",
        against="turn-ppo after as many episodes, and the guide itself",
        trial=on_the_lock(("turn-ppo", "script:good")),
    ),
)
