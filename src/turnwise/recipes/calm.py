"""CALM: a judge sees subgoals being reached, and each pays a little (specs/credit/calm)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.credit.calm import Calm
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.feedback.subgoals import Subgoals, words_of
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class CalmSettings(ImproveSettings):
    """Reward-to-go of the outcome and of subgoals. The judge is scripted: it reads the texts, and errs as told to."""

    group: int = setting(1, "episodes of each task per round", needs="rounds", least=1)
    tasks: int = setting(128, "tasks per round", needs="rounds", least=1)
    subgoals: str = setting(
        "", "name: words that show it is reached; ... empty: those known of the world", needs="rounds"
    )
    form: str = setting(
        "plain", "plain: a subgoal pays when reached; potential: the best policy stays", "CALM: plain", needs="rounds"
    )
    once: bool = setting(True, "in the plain form each subgoal pays once an episode", needs="rounds")
    weight: float = setting(0.5, "of the subgoals beside the outcome", needs="rounds")
    false_yes: float = setting(0.0, "probability that the judge sees a subgoal that was not reached", needs="rounds")
    false_no: float = setting(0.0, "probability that it overlooks one that was", needs="rounds")
    whiten: str = setting("tokens", "credit to mean 0 and spread 1", "as reinforce", needs="rounds")


def build_calm(setup: Setup) -> Parts:
    """The rule in the common way, with a judge of subgoals."""
    s: CalmSettings = setup.settings
    words = words_of(setup.world.name, s.subgoals)
    judge = Subgoals(words, s.false_yes, s.false_no, setup.seed)
    inner = RewardToGo(whiten=s.whiten)  # type: ignore[arg-type]
    rule = Calm(tuple(words), s.form, s.once, weight=s.weight, inner=inner)  # type: ignore[arg-type]
    return build(setup, rule, [judge])


RECIPE = Recipe(
    name="calm",
    title="CALM: subgoals seen by a judge pay beside the outcome",
    source="arXiv 2409.12798; specs/credit/calm",
    settings=CalmSettings,
    build=build_calm,
    claim=Claim(
        says="paid for the key as well as for the door, it wins a corridor more often than REINFORCE",
        against="reinforce, after as many episodes from the same kind of imitator",
        trial=Trial(
            "key-corridor",
            "reinforce",
            seeds=3,
            settings={"demos": 300, "rounds": 10, "tasks": 64, "evaluate": 8},
        ),
    ),
)
