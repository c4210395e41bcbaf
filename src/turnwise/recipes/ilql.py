"""ILQL: offline Q-learning over words, added to the clone's logits (specs/learn/ilql)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.mazes import SHORT, on_pieces
from turnwise.recipes.offline import OfflineSettings, build_offline


@dataclass(frozen=True)
class IlqlRecipeSettings(OfflineSettings):
    """Settings of the expectile and of the target net."""

    epochs: int = setting(8, "passes over the demonstrations in which values are learned", least=1)
    beta: float = setting(
        4.0, "nats by which a word's logit rises per unit of value; 0 is the clone", "LMRL-Gym: 8 (maze, chess), 16"
    )
    tau: float = setting(0.9, "expectile: 0.5 is the data's mean, towards 1 its best", "LMRL-Gym: 0.7, maze 0.95")
    alpha: float = setting(
        0.2, "share of the online net that the target takes over after every step", "LMRL-Gym: 0.005, in longer runs"
    )
    backup: str = setting(
        "token", "what Q looks ahead to: the value at the next token, or at the next turn", "LMRL-Gym: token"
    )


def build_ilql(setup: Setup) -> Parts:
    """Two Q heads and a V head, learned from the demonstrations."""
    from turnwise.learn.weights.ilql import Ilql, IlqlSettings

    s: IlqlRecipeSettings = setup.settings
    how = IlqlSettings(
        lr=s.lr, epochs=s.epochs, batch=s.batch, batch_tokens=s.batch_tokens, gamma=s.gamma, cql=s.cql, last_lr=0.05,
        tau=s.tau, alpha=s.alpha, backup=s.backup,
    )  # fmt: skip
    return build_offline(setup, 2, True, lambda guided: Ilql(guided, how, setup.seed))


RECIPE = Recipe(
    name="ilql",
    title="ILQL: a clone guided by offline Q-learning over words",
    source="Snell et al. 2022 (arXiv 2206.11871) as in LMRL-Gym (arXiv 2311.18232); specs/learn/ilql",
    settings=IlqlRecipeSettings,
    build=build_ilql,
    instead="values of words",
    leans=("records",),
    claim=Claim(
        says="where no walk that begins far from the goal is seen to reach it, ILQL puts the pieces together: it beats "
        "cloning of the best pieces and guiding by their returns",
        against="filtered-bc and mc-returns on the same pieces, sampled alike",
        trial=Trial(
            "maze",
            ("filtered-bc", "mc-returns"),
            by="return",
            settings=on_pieces("filtered-bc", "mc-returns", "ilql"),
            world_settings=SHORT,
        ),
    ),
)
