"""Preference learning in one common way: imitate, evaluate, rounds of collect, pair, learn, and evaluate again.

The recipes that use it differ in the objective and in what makes examples; the episodes are collected alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core import pairing
from turnwise.core.errors import TurnwiseError, UnknownName, WrongPairing
from turnwise.core.progress import Progress
from turnwise.core.types import Batch, Episode
from turnwise.explore import Grouped
from turnwise.learn.pairs import Example
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Setup, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of

if TYPE_CHECKING:
    from turnwise.learn.weights.preference import Objective

LUCK = ("refuse", "ignore")


@dataclass(frozen=True)
class PreferSettings(ImitateSettings):
    """Settings of the recipes that learn from what was better than what."""

    rounds: int = setting(10, "rounds of collect, pair and learn", "M-DPO: 3")
    tasks: int = setting(16, "tasks per round", needs="rounds", least=1)
    group: int = setting(8, "episodes of each task per round", "M-DPO: 30", needs="rounds", least=2)
    lr: float = setting(3e-4, "step size of preference learning", "M-DPO: 2e-7 to 4e-7, for 7B models", needs="rounds")
    epochs: int = setting(1, "passes over a round's examples", "M-DPO: 1", needs="rounds", least=1)
    batch: int = setting(16, "examples per step", "M-DPO: 32", needs="rounds", least=1)
    reference: str = setting(
        "round", "the policy that ratios are taken to: that of the `round`, or of the `start`", "M-DPO", needs="rounds"
    )
    max_norm: float = setting(1.0, "largest norm of the gradient", needs="rounds")


@dataclass(frozen=True)
class PathSettings(PreferSettings):
    """Settings where whole paths are compared."""

    pairs: int = setting(4, "pairs of each task per round", "M-DPO: 1", needs="rounds", least=1)
    luck: str = setting(
        "refuse", "in a world whose answers are random: `refuse`, or `ignore` the bias", "M-DPO", needs="rounds"
    )


def build(
    setup: Setup, objective: Objective, examples: Callable[[Batch, np.random.Generator], Sequence[Example]]
) -> Parts:
    """Put the parts together for one objective.

    Args:
        setup: world, settings, model, seed.
        objective: the loss of examples.
        examples: what makes them from a round.
    """
    from turnwise.learn.weights.preference import Preference, PreferenceSettings

    s: PreferSettings = setup.settings
    how = PreferenceSettings(
        lr=s.lr,
        epochs=s.epochs,
        batch=s.batch,
        batch_tokens=s.batch_tokens,
        max_norm=s.max_norm,
        reference=s.reference,
    )
    if "reference" not in objective.reads and s.reference != PreferSettings.reference:
        raise TurnwiseError(
            f"reference={s.reference} has no effect with {objective.name}, which reads no reference",
            f"an objective that does, or reference left at {PreferSettings.reference!r}",
            "leave out reference",
        )
    explorer = Grouped(s.group)
    pairing.check({f"objective {objective.name!r}": {"group"}}, pairing.gives_of(explorer))
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    train_tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        tasks = tasks_in_turn(train_tasks, s.tasks, number)
        return tables.of_policy("improve", number, progress, s.tasks * s.group).collect(explorer, tasks)

    def learner() -> Preference:
        return Preference(policy, objective, examples, how, setup.seed)

    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, Stage("improve", s.rounds, collect, learner), after])


def check_luck(setup: Setup, objective: str) -> None:
    """Objectives of whole paths hold where the world's answers are fixed; elsewhere luck is taken for merit, so they
    are refused unless the bias is accepted (specs/learn/multi_turn_dpo_kto).

    Raises:
        WrongPairing: the world's answers are random.
    """
    s: PathSettings = setup.settings
    if s.luck not in LUCK:
        raise UnknownName("way with luck", s.luck, LUCK)
    if s.luck == "refuse" and setup.world.random_observations:
        raise WrongPairing(
            f"{objective} on {setup.world.name}, whose answers are random: the luck of a path is taken for its merit",
            "a world whose answers follow from what was said, such as maze, or an objective of single turns (step-dpo)",
            "choose another one of them, or accept the bias with luck=ignore",
        )
