"""D2LOLS: AggreVaTeD first, PPO++ from some round on (specs/learn/rlgf)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.turn_gae import TurnGae
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, setting
from turnwise.recipes.rlgf import RlgfSettings, build_rlgf, on_the_lock


@dataclass(frozen=True)
class D2lolsSettings(RlgfSettings):
    """A round at which roll-in and roll-out change places."""

    switch: int = setting(
        8,
        "rounds of AggreVaTeD before PPO++; 0 is PPO++ alone",
        "RLGF: 20, 100 or 200, of smaller rounds",
        needs="rounds",
    )


def build_d2lols(setup: Setup) -> Parts:
    """The guide rolls out at first, and in later."""
    s: D2lolsSettings = setup.settings
    return build_rlgf(setup, TurnGae(s.gamma, s.lam), lambda number: "guide" if number >= s.switch else "learner")


RECIPE = Recipe(
    name="d2lols",
    title="D2LOLS: AggreVaTeD first, PPO++ later",
    source="RLGF (arXiv 2306.11816); specs/learn/rlgf",
    settings=D2lolsSettings,
    build=build_d2lols,
    claim=Claim(
        says="beats the guide on a lock on which PPO alone never earns anything",
        against="turn-ppo after as many episodes, and the guide itself",
        trial=on_the_lock(("turn-ppo", "script:good"), **{"d2lols.switch": 24}),
    ),
)
