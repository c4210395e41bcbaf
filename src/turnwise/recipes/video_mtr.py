"""Video-MTR: gathering is paid when it beats the best so far and the answer was right
(specs/credit/video-mtr-gated-bilevel).
"""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.core.errors import TurnwiseError
from turnwise.credit.bilevel_gae import BilevelGae
from turnwise.credit.video_mtr import VideoMtr
from turnwise.feedback.evidence import FORM, OVERLAP, Evidence
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import CriticSettings, build

KNOWN = {"bit-search": ("ask 0, ask 1, ask 2", "answer")}
"""World -> acts that bring evidence, and those that answer."""


@dataclass(frozen=True)
class VideoMtrSettings(CriticSettings):
    """Bi-level GAE on gated evidence."""

    group: int = setting(1, "episodes of each task per round", needs="rounds", least=1)
    tasks: int = setting(128, "tasks per round", "Video-MTR: 32", needs="rounds", least=1)
    evidence: str = setting("", "acts that bring evidence, by commas; empty: those known of the world", needs="rounds")
    answers: str = setting("", "acts that answer, by commas; empty: those known of the world", needs="rounds")
    better: float = setting(0.5, "for an overlap above every earlier one", "Video-MTR: 0.5", needs="rounds")
    worse: float = setting(
        0.5, "times how far it lies below the best", "ours; the paper's is not known", needs="rounds"
    )
    form: float = setting(0.1, "for an act that the world carries out", "Video-MTR: 0.1", needs="rounds")
    gamma: float = setting(0.95, "discount per turn", "Video-MTR: 0.95", needs="rounds")
    lam: float = setting(0.95, "trace decay, per turn and per token", needs="rounds")
    whiten: str = setting("tokens", "advantages to mean 0 and spread 1", "as ppo", needs="rounds")


def build_video_mtr(setup: Setup) -> Parts:
    """The rule in the common way, with a judge of evidence.

    Raises:
        TurnwiseError: nobody said what is evidence in this world.
    """
    s: VideoMtrSettings = setup.settings
    evidence, answers = KNOWN.get(setup.world.name, ("", ""))
    relevant = acts_of(s.evidence or evidence)
    if not relevant:
        raise TurnwiseError(
            f"what brings evidence in {setup.world.name} is not known",
            f"acts, or one of: {', '.join(KNOWN)}",
            "set evidence",
        )
    judge = Evidence(relevant, acts_of(s.answers or answers), setup.world.refusal)
    inner = BilevelGae(s.gamma, 1.0, s.lam, s.whiten)  # type: ignore[arg-type]
    return build(setup, VideoMtr(OVERLAP, FORM, s.better, s.worse, s.form, inner=inner), [judge])


def acts_of(text: str) -> frozenset[str]:
    """Acts as a setting writes them."""
    return frozenset(filter(None, (part.strip() for part in text.split(","))))


RECIPE = Recipe(
    name="video-mtr",
    title="Video-MTR: evidence behind the gate of a right answer, bi-level GAE",
    source="arXiv 2508.20478; specs/credit/video-mtr-gated-bilevel",
    settings=VideoMtrSettings,
    build=build_video_mtr,
    claim=Claim(
        says="paid for evidence that beats the best so far where the answer is right, it answers right more often",
        against="ppo on the answer alone, after as many episodes",
        trial=Trial(
            "bit-search",
            "ppo",
            seeds=3,
            settings={"demos": 300, "rounds": 12, "tasks": 96, "evaluate": 12},
        ),
    ),
)
