"""WebAgent-R1: cloning, then groups of episodes, with long pages left out of the prompt once the next one came
(specs/learn/webagent_r1).

Its baselines are settings: `history=truncated` keeps the newest words instead, `history=whole` everything, and
`demos=0` leaves out the cloning ("Zero").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from turnwise.core.errors import UnknownName
from turnwise.core.types import CreditTable, Episode, Signal
from turnwise.credit.grpo import Grpo
from turnwise.learn.credited import credit_table
from turnwise.learn.thought import answers_only
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.grpo import GrpoSettings
from turnwise.recipes.improve import build
from turnwise.worlds.base import World
from turnwise.worlds.compressed import PLACEHOLDER, Compressed
from turnwise.worlds.truncated import Truncated

if TYPE_CHECKING:
    from turnwise.learn.weights.policy_gradient import PolicyGradient

HISTORIES = ("compressed", "truncated", "whole")


@dataclass(frozen=True)
class WebAgentR1Settings(GrpoSettings):
    """GRPO behind a compressed view."""

    history: str = setting(
        "compressed", "what stays in view: actions and the newest page (`compressed`), the newest words, or the `whole`"
    )
    placeholder: str = setting(PLACEHOLDER, "stands for a page once the next one came, where history is compressed")
    words: int = setting(80, "of the newest messages that stay in view, where history is `truncated`", least=1)
    thought: str = setting(
        "", "mark that ends a thought: what a reply says up to it carries no loss; empty: all does",
        "released script: masks the think block", needs="rounds",
    )  # fmt: skip


def seen(world: World, s: WebAgentR1Settings) -> World:
    """The world behind what stays in view.

    Raises:
        UnknownName: no such history.
    """
    if s.history not in HISTORIES:
        raise UnknownName("history", s.history, HISTORIES)
    if s.history == "whole":
        return world
    return Compressed(world, s.placeholder) if s.history == "compressed" else Truncated(world, s.words)


def build_webagent_r1(setup: Setup) -> Parts:
    """GRPO in the common way, in the same world seen through a short memory; demonstrations too."""
    s: WebAgentR1Settings = setup.settings
    rule = Grpo(ddof=s.ddof, eps=1e-4)

    def of_answers(learner: PolicyGradient, episodes: Sequence[Episode], signals: Sequence[Signal]) -> CreditTable:
        table = credit_table(rule, episodes, learner.rows(episodes), None, signals)
        return answers_only(table, episodes, s.thought, learner.policy.chat.decode)

    return build(replace(setup, world=seen(setup.world, s)), rule, credit=of_answers if s.thought else None)


RECIPE = Recipe(
    name="webagent-r1",
    title="WebAgent-R1: GRPO with earlier pages left out",
    source="arXiv 2505.16421; specs/learn/webagent_r1",
    settings=WebAgentR1Settings,
    build=build_webagent_r1,
    changes={"ddof": 0},
    sees=seen,
    claim=Claim(
        says="succeeds as often as with the whole history, though prompts do not grow with the pages seen",
        against="grpo with the whole history in view, as many tasks and episodes in each round",
        trial=Trial(
            "long-shop",
            "grpo",
            within=0.1,
            seeds=3,
            settings={
                "demos": 360,
                "demo_epochs": 6,
                "demo_lr": 2e-3,
                "evaluate": 2,
                "rounds": 15,
                "tasks": 8,
            },
        ),
    ),
)
