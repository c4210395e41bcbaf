"""WaltzRL: an adviser paid by how much its advice improved the answer, trained with the one who answers
(specs/credit/waltzrl-dir).

    feedback    the one who answers is frozen; the adviser learns form and labels
    improve     both learn, each from its own reward on its own words; the label term is off

One answer and one look of an episode are learned from, drawn evenly. The condition that WaltzRL's reviews report, that
an improvement counts only with right labels, also voids what wrong advice spoils: see `turnwise.credit.dir`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from turnwise.core.chance import uniform_of
from turnwise.core.errors import WrongPairing
from turnwise.core.progress import Progress
from turnwise.core.types import CreditTable, Episode, Seat, Signal
from turnwise.credit.dir import Dir
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditRule
from turnwise.credit.scored import Scored
from turnwise.explore import Independent
from turnwise.feedback.two_labels import TwoLabels
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.improve import ImproveSettings, check_clip, step_settings
from turnwise.recipes.seats import Player, gradients, imitations, parts_for, players_of, tables_for, tables_of_credit

AGENT: Seat = "agent"
ADVISER: Seat = "feedback"


@dataclass(frozen=True)
class DirSettings(ImproveSettings):
    """Two roles. What the paper's reviews and a re-implementation do not tell is ours."""

    rounds: int = setting(20, "rounds in which both learn")
    feedback_rounds: int = setting(10, "rounds before, in which only the adviser learns, labels and form")
    group: int = setting(1, "episodes of each task per round", "WaltzRL: group-free", needs="rounds", least=1)
    tasks: int = setting(128, "tasks per round", needs="rounds", least=1)
    improvement: float = setting(0.65, "weight of the improvement in the adviser's reward", "third party: 0.65")
    conditional: bool = setting(True, "improvements count only with right labels", "reviews of WaltzRL")
    first_label: float = setting(
        1.0, "weight of right labels while the adviser learns alone", "ours; on in WaltzRL", needs="feedback_rounds"
    )
    label: float = setting(0.0, "weight of right labels once both learn", "WaltzRL: off", needs="rounds")
    form: float = setting(0.1, "weight of advice that can be read", "third party: 0.1")
    kl: float = setting(0.01, "weight of the KL to where a stage began", "third party: 0.01", needs="rounds")
    whiten: str = setting("tokens", "each role's credit to mean 0 and spread 1", "REINFORCE++", needs="rounds")
    together: bool = setting(
        False, "one policy plays both roles, told by its prompt; no role is then frozen", "WaltzRL: two"
    )


def build_dir(setup: Setup) -> Parts:
    """Imitate both roles, evaluate, teach the adviser alone, then both, evaluate.

    Raises:
        WrongPairing: a world without an adviser, or without a judge of two labels.
    """
    s: DirSettings = setup.settings
    if not hasattr(setup.world, "verdict"):
        raise WrongPairing(
            f"recipe 'dir' in {setup.world.name}, which does not judge answers by two labels",
            "a world with an adviser and `verdict`",
            "choose safe-answers",
        )
    check_clip(s)
    how = step_settings(setup)
    players = players_of(setup, (AGENT, ADVISER), s.together)
    tables = tables_for(setup, players)
    tasks = [task for task in setup.world.tasks("train") for _ in range(s.group)]
    judge = TwoLabels(setup.world, ADVISER)  # type: ignore[arg-type]

    def collect(stage: str) -> Callable[[int, Progress], list[Episode]]:
        def play(number: int, progress: Progress) -> list[Episode]:
            count = s.tasks * s.group
            table = tables.of_policy(stage, number, progress, count)
            return table.collect(Independent(), tasks_in_turn(tasks, count, number))

        return play

    def credit(rules: Mapping[Seat, CreditRule]) -> Callable[[Any, Sequence[Episode], Sequence[Signal]], Any]:
        def assign(learner: Any, episodes: Sequence[Episode], signals: Sequence[Signal]) -> list[CreditTable]:
            found = tables_of_credit(learner, rules, episodes, signals)
            return [one_of_each(table, episodes, setup.seed) for table in found]

        return assign

    alone = [replace(player, seats=(ADVISER,)) for player in players if ADVISER in player.seats]

    def stage(name: str, rounds: int, who: Sequence[Player], rules: Mapping[Seat, CreditRule]) -> Stage:
        return Stage(name, rounds, collect(name), gradients(setup, who, how), credit(rules), feedback=[judge])

    stages = [
        stage("feedback", s.feedback_rounds, alone, {ADVISER: adviser(s, s.first_label)}),
        stage("improve", s.rounds, players, {AGENT: answerer(s), ADVISER: adviser(s, s.label)}),
    ]
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_for(players, [*imitations(setup, players), before, *stages, after])


def adviser(s: DirSettings, label: float) -> CreditRule:
    """The adviser's rule: each round by its own reward."""
    own = RewardToGo(gamma=0.0, whiten=s.whiten)  # type: ignore[arg-type]
    return Dir(conditional=s.conditional, improvement=s.improvement, label=label, form=s.form, inner=own)


def answerer(s: DirSettings) -> CreditRule:
    """The rule of who answers: each answer by its own score; what the adviser earns is not in it."""
    return Scored(inner=RewardToGo(gamma=0.0, whiten=s.whiten))  # type: ignore[arg-type]


def one_of_each(table: CreditTable, episodes: Sequence[Episode], seed: int) -> CreditTable:
    """The same credit, of one turn of each episode, drawn evenly: one round of the adviser, one answer."""
    values = []
    for episode, given in zip(episodes, table.values, strict=True):
        held = [turn for turn, value in enumerate(given) if not math.isnan(value)]
        drawn = held[int(uniform_of(seed, "drawn", table.seat, episode.id) * len(held))] if held else None
        values.append([value if turn == drawn else math.nan for turn, value in enumerate(given)])
    return replace(table, values=values)


def trial_settings(name: str) -> dict[str, Any]:
    """Of a trial against the answerer alone: as many episodes, of which the adviser has the first third."""
    common = {"demos": 400, "tasks": 128, "lr": 5e-4, "minibatches": 4, "evaluate": 8, "max_new": 12}
    return common | {f"{name}.feedback_rounds": 8, f"{name}.rounds": 16, "reinforce.rounds": 24}


RECIPE = Recipe(
    name="dir",
    title="WaltzRL: advice is paid by what it improves",
    source="arXiv 2510.08240; specs/credit/waltzrl-dir",
    settings=DirSettings,
    build=build_dir,
    claim=Claim(
        says="with an adviser paid by improvements fewer answers are unsafe or over-refusing than the answerer trained "
        "alone gives, by the same judge after as many episodes",
        against="reinforce: the same answerer without an adviser, on the same reward",
        trial=Trial("safe-answers", "reinforce", seeds=3, settings=trial_settings("dir")),
    ),
)
