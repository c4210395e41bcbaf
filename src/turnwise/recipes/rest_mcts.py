"""ReST-MCTS*: process values from search trees teach a critic that guides the next search, right paths the policy
(specs/learn/rest_mcts).
"""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.core.progress import Progress
from turnwise.core.types import Episode
from turnwise.explore.value_search import ValueSearch
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.plan.mcts_star import Star
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.expert_iteration import SearchSettings
from turnwise.recipes.imitate import imitation, make_policy, parts_of, tables_of


@dataclass(frozen=True)
class RestMctsRecipeSettings(SearchSettings):
    """The search, the critic, and the filter of right paths."""

    c: float = setting(0.7, "weight of exploration", "ReST-MCTS*: 0.7", needs="rounds")
    a: float = setting(
        0.5, "weight of what a rollout saw in the value of a new place", "ReST-MCTS*: 0.5", needs="rounds"
    )
    ahead: int = setting(8, "steps of a rollout", "ReST-MCTS*: 3", needs="a", least=1)
    candidates: int = setting(1, "replies asked for in each step of it", "ReST-MCTS*: 1", needs="a", least=1)
    gate: float = setting(
        2.0, "value of an end that ends the search; above 1 none does", "ReST-MCTS*: 0.9", needs="rounds"
    )
    value_steps: int = setting(
        40, "optimiser steps of the critic per round", "ReST-MCTS*: 2-3 epochs", needs="rounds", least=1
    )
    value_lr: float = setting(1e-3, "step size of the critic", "ReST-MCTS*: 3e-6, for 7B models", needs="rounds")
    value_batch: int = setting(64, "states per step of the critic", "ReST-MCTS*: 3", needs="rounds", least=1)
    floor: float = setting(
        0.2, "what the critic must say of a right path to be imitated", "ReST-MCTS*: 0.2", needs="rounds"
    )
    most: int = setting(8, "right paths of one task that are held, newest first", needs="rounds", least=1)


def build_rest_mcts(setup: Setup) -> Parts:
    """Imitate, evaluate, rounds of guided search, critic and imitation, evaluate."""
    from turnwise.learn.weights.imitation import ImitationSettings
    from turnwise.learn.weights.process_values import ProcessValues
    from turnwise.learn.weights.rest_mcts import RestMcts, RestMctsSettings

    s: RestMctsRecipeSettings = setup.settings
    search = Star(s.simulations, s.width, s.c, s.a, s.ahead, s.candidates, s.gate)
    own = RestMctsSettings(s.value_steps, s.floor, s.most)
    how = ImitationSettings(lr=s.lr, epochs=s.epochs, batch=s.batch, batch_tokens=s.batch_tokens, warmup=1)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    tasks = setup.world.tasks("train")

    def learner() -> RestMcts:
        values = ProcessValues(policy, s.value_lr, s.value_batch, s.batch_tokens, setup.seed)
        return RestMcts(policy, values, own, how, setup.seed)

    def collect(number: int, progress: Progress) -> list[Episode]:
        explorer = ValueSearch(improve.learner.values.worth, search)
        table = tables.of_policy("improve", number, progress, s.tasks)
        return table.collect(explorer, tasks_in_turn(tasks, s.tasks, number))

    improve = Stage("improve", s.rounds, collect, learner)
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


RECIPE = Recipe(
    name="rest-mcts",
    title="ReST-MCTS*: critic and policy teach each other by search",
    source="arXiv 2406.03816; specs/learn/rest_mcts",
    settings=RestMctsRecipeSettings,
    build=build_rest_mcts,
    instead="values inferred from trees",
    leans=("search",),
    claim=Claim(
        says="search that a critic of its own trees guides teaches more than plain sampling",
        against="fixed-horizon (ReST-EM): imitation of all successes of plain episodes, at least as many turns",
        trial=Trial(
            "key-corridor",
            "fixed-horizon",
            seeds=3,
            settings={
                "demos": 300,
                "demo_epochs": 2,
                "max_new": 8,
                "rounds": 6,
                "lr": 5e-4,
                "batch": 16,
                "fixed-horizon.episodes": 192,
                "fixed-horizon.draw": 192,
            },
        ),
    ),
)
