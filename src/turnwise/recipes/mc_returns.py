"""Monte-Carlo returns: what followed each word in the data, added to the clone's logits (specs/learn/mc_returns)."""

from __future__ import annotations

from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial
from turnwise.recipes.mazes import SHORT, on_pieces
from turnwise.recipes.offline import OfflineSettings, build_offline


def build_mc_returns(setup: Setup) -> Parts:
    """One Q head, regressed on the returns of the demonstrations."""
    from turnwise.learn.weights.mc_returns import McReturns, McReturnsSettings

    s: OfflineSettings = setup.settings
    how = McReturnsSettings(
        lr=s.lr, epochs=s.epochs, batch=s.batch, batch_tokens=s.batch_tokens, gamma=s.gamma, cql=s.cql, last_lr=0.05
    )
    return build_offline(setup, 1, False, lambda guided: McReturns(guided, how, setup.seed))


RECIPE = Recipe(
    name="mc-returns",
    title="Monte-Carlo returns: a clone guided by what followed its words in the data",
    source="LMRL-Gym (arXiv 2311.18232); specs/learn/mc_returns",
    settings=OfflineSettings,
    build=build_mc_returns,
    instead="values of words",
    leans=("records",),
    claim=Claim(
        says="guiding a clone by the returns of its own data raises its return",
        against="bc on the same pieces of walks, sampled alike",
        trial=Trial("maze", "bc", by="return", settings=on_pieces("mc-returns"), world_settings=SHORT),
    ),
)
