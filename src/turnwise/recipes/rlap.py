"""RLAP: the order of subtasks over a frozen worker, chosen by a small Q network (specs/learn/rlap)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, fields

from turnwise.agents.chooser import Chooser, Menu, options_of
from turnwise.core.errors import TurnwiseError
from turnwise.core.progress import Progress, counting
from turnwise.core.types import Episode
from turnwise.explore import Independent, Table
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, Tables, imitation, make_policy, parts_of, tables_of


@dataclass(frozen=True)
class RlapSettings(ImitateSettings):
    """Deep Q-learning over what is legal; the sheet's defaults are its own, the paper's are not known."""

    rounds: int = setting(30, "rounds of collecting and learning")
    episodes: int = setting(60, "episodes per round", needs="rounds", least=1)
    first: float = setting(1.0, "probability of a random choice at first", "specs/learn/rlap", needs="rounds")
    last: float = setting(
        0.05, "the same from the middle of the rounds on, reached linearly", "specs/learn/rlap", needs="rounds"
    )
    steps: int = setting(30, "optimiser steps per round", needs="rounds", least=1)
    batch: int = setting(32, "choices per step", needs="rounds", least=1)
    lr: float = setting(5e-4, "step size", "ours; specs/learn/rlap: 1e-4", needs="rounds")
    gamma: float = setting(1.0, "discount per choice", "specs/learn/rlap", needs="rounds")
    copy_every: int = setting(
        50, "steps from one target copy to the next", "specs/learn/rlap: 100", needs="rounds", least=1
    )
    double: bool = setting(True, "double Q", "specs/learn/rlap: an option", needs="rounds")
    buffer: int = setting(10_000, "choices that the replay keeps", "specs/learn/rlap", needs="rounds", least=1)
    max_norm: float = setting(1.0, "largest norm of the gradient", needs="rounds")


@dataclass
class ChoosingTables(Tables):
    """Tables at which the policy chooses among what is legal, instead of speaking."""

    epsilon: float = 0.0
    menu: Menu = field(default_factory=dict)

    def of_policy(self, stage: str, number: int, progress: Progress, expected: int, draws: str | None = None) -> Table:
        """A table with a chooser in the agent's seat."""
        return Table(
            self.setup.world,
            {"agent": Chooser(self.policy, self.epsilon, self.menu)},
            self.setup.seed,
            stage,
            number,
            draws,
            self.limits,
            self.setup.settings.live,
            on_episode=counting(progress, "sample", expected),
        )


def epsilon_at(number: int, s: RlapSettings) -> float:
    """From `first` to `last` over the first half of the rounds, then `last`."""
    past = min(1.0, number / max(1, s.rounds // 2))
    return s.first + (s.last - s.first) * past


def build_rlap(setup: Setup) -> Parts:
    """Imitate, evaluate, rounds of epsilon-greedy choices and Q-learning, evaluate the greedy choice.

    Raises:
        TurnwiseError: a probability above 1.
    """
    from turnwise.learn.choices import ChoiceReplay
    from turnwise.learn.weights.dqn import Dqn, DqnSettings

    s: RlapSettings = setup.settings
    if max(s.first, s.last) > 1.0:
        raise TurnwiseError(f"first={s.first:g}, last={s.last:g}", "probabilities from 0 to 1")
    how = DqnSettings(**{f.name: getattr(s, f.name) for f in fields(DqnSettings)})
    policy = make_policy(setup, critic=True)
    plain = tables_of(setup, policy)
    tables = ChoosingTables(setup, policy, plain.sampling, plain.limits)
    tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        exploring = dataclasses.replace(tables, epsilon=epsilon_at(number, s))
        table = exploring.of_policy("improve", number, progress, s.episodes)
        return table.collect(Independent(), tasks_in_turn(tasks, s.episodes, number))

    def learner() -> Dqn:
        return Dqn(policy, how, ChoiceReplay(s.buffer, lambda state: options_of(tables.menu, state)), setup.seed)

    improve = Stage("improve", s.rounds, collect, learner)
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


RECIPE = Recipe(
    name="rlap",
    title="RLAP: Q-learning of the order of subtasks",
    source="RLAP (arXiv 2505.11893, abstract); specs/learn/rlap",
    settings=RlapSettings,
    build=build_rlap,
    instead="Q of choices",
    sits=lambda policy, name: Chooser(policy, name=name),
    leans=("replay",),
    claim=Claim(
        says="choosing the order per text fills more slots rightly than one order for all",
        against="the fixed order, with as many calls of the worker",
        trial=Trial(
            "slot-order",
            "script:fixed",
            by="return",
            seeds=3,
            settings={"demos": 60, "demo_epochs": 2, "demo_lr": 3e-3, "evaluate": 2},
        ),
    ),
)
