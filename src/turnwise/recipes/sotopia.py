"""Sotopia-RL: a judge says how critical each utterance was, and the dialogue's score is shared out by it
(specs/credit/sotopia-rl).
"""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.core.errors import WrongPairing
from turnwise.credit.sotopia import Sotopia
from turnwise.feedback.attribution import GOAL, MOST, Attribution
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class SotopiaSettings(ImproveSettings):
    """Credit by utterance, in one dimension: the goal. The judge is scripted and knows the truth; the published method
    fits a reward model to it and trains on single utterances, this takes what the model is fitted to.
    """

    group: int = setting(1, "episodes of each task per round", needs="rounds", least=1)
    tasks: int = setting(128, "tasks per round", needs="rounds", least=1)
    form: str = setting(
        "direct",
        "how a score is shared out: direct, normalised, uniform, discount or key",
        "Sotopia-RL: direct",
        needs="rounds",
    )
    full: float = setting(0.5, "change of the expected return that is most critical", needs="rounds", least=1e-6)
    noise: float = setting(0.0, "probability that the judge gives an even draw instead", needs="rounds")
    whiten: str = setting("tokens", "credit to mean 0 and spread 1; no share is negative", needs="rounds")


def build_sotopia(setup: Setup) -> Parts:
    """The rule in the common way, with a judge that knows the world's exact values.

    Raises:
        WrongPairing: a form that needs scores of parts of the dialogue, which this judge does not give.
    """
    s: SotopiaSettings = setup.settings
    if s.form == "progress":
        raise WrongPairing("form=progress", "a judge that scores every prefix", "choose direct, normalised or uniform")
    judge = Attribution(setup.world.exact(), s.full, noise=s.noise, seed=setup.seed)
    rule = Sotopia((GOAL,), (0.0,), (10.0,), s.form, float(MOST), s.whiten)  # type: ignore[arg-type]
    return build(setup, rule, [judge])


RECIPE = Recipe(
    name="sotopia",
    title="Sotopia-RL: the dialogue's score, shared out by how critical each utterance was",
    source="arXiv 2508.03905; specs/credit/sotopia-rl",
    settings=SotopiaSettings,
    build=build_sotopia,
    claim=Claim(
        says="credit by a judge's shares wins consent more often than the imitator it starts from",
        against="the imitator it starts from, on the same evaluation episodes",
        trial=Trial("hidden-type", seeds=3, settings={"demos": 300, "rounds": 12, "tasks": 96, "evaluate": 12}),
    ),
)
