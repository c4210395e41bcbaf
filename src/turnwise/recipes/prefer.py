"""Preference learning in one common way: imitate, evaluate, rounds of collect, pair, learn, and evaluate again.

The recipes that use it differ in the objective and in what makes examples; the episodes are collected alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from turnwise.core import pairing
from turnwise.core.errors import TurnwiseError, UnknownName, WrongPairing
from turnwise.core.progress import Progress
from turnwise.core.protocols import Explorer, Feedback
from turnwise.core.types import Batch, Episode
from turnwise.explore import Grouped, Independent
from turnwise.learn.pairs import Example
from turnwise.learn.sides import side_rows
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Setup, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of

if TYPE_CHECKING:
    from turnwise.learn.weights.preference import Lay, Objective
    from turnwise.models.policy import Policy

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
class MixedSettings(PreferSettings):
    """Settings where paths of two policies are compared."""

    earlier: int = setting(
        0,
        "further episodes of each task that the policy of the round before plays",
        "M-DPO: 10, group 20",
        needs="rounds",
    )
    pairs: int = setting(4, "pairs of each task per round", "M-DPO: 1", needs="rounds", least=1)


@dataclass(frozen=True)
class PathSettings(MixedSettings):
    """Settings where whole paths are compared in worlds whose answers are fixed."""

    luck: str = setting(
        "refuse", "in a world whose answers are random: `refuse`, or `ignore` the bias", "M-DPO", needs="rounds"
    )


def build(
    setup: Setup,
    objective: Objective,
    examples: Callable[[Batch, np.random.Generator], Sequence[Example]],
    explorer: Explorer | None = None,
    earlier: int = 0,
    judges: Callable[[Policy], Sequence[Feedback]] = lambda policy: (),
    lay: Lay = side_rows,
) -> Parts:
    """Put the parts together for one objective.

    Args:
        setup: world, settings, model, seed.
        objective: the loss of examples.
        examples: what makes them from a round.
        explorer: how a round is collected; None for groups of straight episodes.
        earlier: further episodes of each task per round, by the policy of the round before; before the first round was
            learned from, by the policy as it is.
        judges: what scores a round's episodes, given the policy that played them.
        lay: which tokens of a side count; the agent's own by default.
    """
    from turnwise.learn.weights.earlier import Earlier
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
    expected = s.tasks if explorer else s.tasks * s.group  # episodes: a tree is one
    explorer = explorer or Grouped(s.group)
    pairing.check({f"objective {objective.name!r}": {"group"}}, pairing.gives_of(explorer))
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    train_tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        tasks = tasks_in_turn(train_tasks, s.tasks, number)
        found = tables.of_policy("improve", number, progress, expected).collect(explorer, tasks)
        if not earlier:
            return found
        older = replace(tables, policy=improve.learner.before or policy)
        table = older.of_policy("improve earlier", number, progress, len(tasks) * earlier)
        return [*found, *table.collect(Independent(), [task for task in tasks for _ in range(earlier)])]

    def learner() -> Any:
        inner = Preference(policy, objective, examples, how, setup.seed, lay)
        return Earlier(inner, policy) if earlier else inner

    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    improve = Stage("improve", s.rounds, collect, learner, feedback=judges(policy))
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


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
            "a world whose answers follow from what was said, such as maze, an objective of single turns (step-dpo), "
            "or one that knows the luck (fair-dpo, in worlds that are tables)",
            "choose another one of them, or accept the bias with luck=ignore",
        )
