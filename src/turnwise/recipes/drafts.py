"""Parts that recipes share whose agent learns from edits of its drafts, between its turns and without weights.

There is nothing to train: every user of the evaluation split is new, and all that is learned of one is learned while
the episode lasts. A run is that evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnwise.agents.drafting import DraftingAgent
from turnwise.core.errors import WrongPairing
from turnwise.core.progress import Progress, counting
from turnwise.core.types import Episode
from turnwise.explore import Independent, Table
from turnwise.learn.text.drafter import Drafter
from turnwise.learn.text.writer import Writer
from turnwise.loop import Parts, Stage
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.worlds.base import World
from turnwise.worlds.edit import Edit
from turnwise.worlds.edit_writer import StyleWriter

Learning = Callable[[Writer, Any], Drafter]
"""Writer and settings -> how it learns from edits."""


@dataclass(frozen=True)
class DraftSettings:
    """Settings of everything that learns from edits."""

    evaluate: int = setting(1, "evaluation episodes per user", least=1)


@dataclass(frozen=True)
class NearestSettings(DraftSettings):
    """Of what asks the nearest contexts."""

    k: int = setting(5, "contexts that are asked", "CIPHER: 5 in its experiments, 3 in its code", least=1)


@dataclass(frozen=True)
class LatestSettings(DraftSettings):
    """Of what looks at some edits, whatever their contexts."""

    n: int = setting(5, "edits that are looked at", "CIPHER: 5 in its experiments, 3 in its code", least=1)


LIFELONG = {"rounds": 200}
"""As long as the original's; five kinds of document, half of their words drawn from all kinds together."""

NAMES = ("no-learning", "explore-exploit", "continual", "icl-edit", "cipher-1", "cipher-k", "oracle-preference")
"""All that learn from edits, and the two that do not."""


def trial(*against: str, **world: Any) -> Trial:
    """Twenty seeds by what the edits cost, return = -cost."""
    return Trial("edit", against, by="return", seeds=20, world_settings={**LIFELONG, **world})


def recipe(
    name: str, title: str, learning: Learning, claim: Claim, settings: type = DraftSettings, **how: Any
) -> Recipe:
    """A recipe of this kind."""

    def plays(world: World, settings: Any) -> DraftingAgent:
        return DraftingAgent(learning(StyleWriter(), settings))

    def build(setup: Setup) -> Parts:
        """Play every user of the evaluation split."""
        return parts(setup, plays, how.get("sees"))

    return Recipe(
        name=name,
        title=title,
        source="PRELUDE / CIPHER (arXiv 2404.15269); specs/plan/cipher",
        settings=settings,
        build=build,
        claim=claim,
        plays=plays,
        leans=("edits",),
        **how,
    )


def parts(setup: Setup, plays: Callable[[World, Any], DraftingAgent], sees: Any = None) -> Parts:
    """One stage, the evaluation, with the draws of every evaluation.

    Raises:
        WrongPairing: a world in which no drafts come back.
    """
    if not isinstance(setup.world, Edit):
        raise WrongPairing(f"learning from edits in {setup.world.name}", "a world that edits drafts", "choose edit")
    world = sees(setup.world, setup.settings) if sees is not None else setup.world
    tasks = [task for task in world.tasks("eval") for _ in range(setup.settings.evaluate)]
    agent = plays(world, setup.settings)

    def collect(number: int, progress: Progress) -> list[Episode]:
        watch = counting(progress, "sample", len(tasks))
        stage = "evaluate-after"
        table = Table(world, {"agent": agent}, setup.seed, stage, number, "evaluate", on_episode=watch)
        return table.collect(Independent(), tasks)

    return Parts([Stage("evaluate-after", 1, collect)], nothing)


def nothing(to: Path) -> None:
    """A memory ends with its episode: there is nothing to keep."""
