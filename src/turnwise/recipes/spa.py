"""SPA-RL: the outcome handed out over the turns by a fitted model of what each contributed (specs/credit/spa-rl)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from turnwise.core.errors import WrongPairing
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.spa import Spa, fit_table
from turnwise.feedback.grounding import Grounding
from turnwise.feedback.progress import Progress
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build

FILE = "progress.json"


@dataclass(frozen=True)
class SpaSettings(ImproveSettings):
    """Contributions in place of the outcome; no group and no critic."""

    group: int = setting(1, "episodes of each task per round", needs="rounds", least=1)
    tasks: int = setting(128, "tasks per round", needs="rounds", least=1)
    memory: int = setting(
        4, "rounds that the estimator is fitted on, the present one among them", needs="rounds", least=1
    )
    ridge: float = setting(1.0, "shrinks contributions to 0", "specs/credit/spa-rl", needs="rounds", least=1e-6)
    alpha: float = setting(1.0, "weight of a turn's contribution", "SPA script: 1", needs="rounds")
    beta: float = setting(
        0.0,
        "weight of having been carried out by the world",
        "ours: it pays for long episodes; SPA script: 0.5",
        needs="rounds",
    )
    gamma: float = setting(
        1.0, "discount per turn of the contributions still to come; 0: a turn's own is its credit", needs="rounds"
    )
    whiten: str = setting("tokens", "credit to mean 0 and spread 1 over sampled tokens: the baseline", needs="rounds")


def build_spa(setup: Setup) -> Parts:
    """The rule in the common way; checkpoints hold what the estimator remembers.

    Raises:
        WrongPairing: a weight on being carried out in a world that never refuses.
    """
    s: SpaSettings = setup.settings
    if s.beta and not setup.world.refusal:
        raise WrongPairing(
            f"beta={s.beta:g} in {setup.world.name}, which never says that it did not carry something out",
            "a world with wrong moves that its answers tell",
            "leave out beta",
        )
    progress = Progress(partial(fit_table, ridge=s.ridge), s.memory)
    rule = Spa(alpha=s.alpha, beta=s.beta, inner=RewardToGo(gamma=s.gamma, whiten=s.whiten))  # type: ignore[arg-type]
    parts = build(setup, rule, [progress, *([Grounding(setup.world.refusal)] if s.beta else [])])
    if setup.checkpoint is not None:
        progress.restore(json.loads((setup.checkpoint / FILE).read_text()))

    def save(to: Path) -> None:
        parts.save(to)
        (to / FILE).write_text(json.dumps(progress.state()))

    return Parts(parts.stages, save)


RECIPE = Recipe(
    name="spa",
    title="SPA-RL: the outcome handed out over the turns by fitted contributions",
    source="arXiv 2505.20732; specs/credit/spa-rl",
    settings=SpaSettings,
    build=build_spa,
    claim=Claim(
        says="where nearly every pair of episodes fails, its first 768 episodes teach more than those of GRPO",
        against="grpo in groups of two, as many episodes, from the same blind player",
        trial=Trial(
            "key-corridor",
            "grpo",
            settings={
                "demos": 300,
                "expert": "uniform",
                "evaluate": 8,
                "rounds": 12,
                "averaging": "token-mean",
                "grpo.tasks": 32,
                "grpo.group": 2,
                "spa.tasks": 64,
                "spa.gamma": 0.0,
            },
        ),
    ),
)
