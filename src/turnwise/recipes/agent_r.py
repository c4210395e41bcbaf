"""Agent-R: search trees become revisions: a bad beginning, a way back, a good path (specs/learn/agent_r)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from turnwise.core.errors import UnknownName
from turnwise.core.progress import Progress
from turnwise.core.types import Episode
from turnwise.explore.revision import Reviser
from turnwise.explore.tree_search import TreeSearch
from turnwise.feedback.verdict import Verdicts
from turnwise.learn.revision import tree_labels
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.measure.first_error import Place, first_drop, first_error
from turnwise.measure.repeats import steady
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.expert_iteration import SearchSettings
from turnwise.recipes.imitate import imitation, make_policy, parts_of, tables_of
from turnwise.recipes.revisions import FirstBad, Mixer

JUDGES = ("tree", "exact", "actor")


@dataclass(frozen=True)
class AgentRSettings(SearchSettings):
    """The search, what makes a pair, who finds the first bad act, and the mixture."""

    c: float = setting(0.25, "weight of exploration, without UCT's factor of root 2", "Agent-R: 0.25", needs="rounds")
    alpha: float = setting(0.0, "what a good path must earn more than", "Agent-R: not confirmed", least=float("-inf"))
    beta: float = setting(0.2, "by how much it must beat the bad one", "Agent-R: not confirmed", needs="rounds")
    judge: str = setting(
        "tree", "who finds the first bad act: the `tree`, `exact` values, or the `actor` itself", "Agent-R: the actor"
    )
    drop: float = setting(0.2, "loss of value from which an act is bad", "specs/evaluate: 0.2", needs="rounds")
    revisions: int = setting(4, "revisions made of one tree, at most; 0 imitates good paths alone", needs="rounds")
    good: int = setting(4, "good paths of one tree, at most", needs="rounds")
    initial: int = setting(0, "first paths of one tree that are imitated whole, however they went", needs="rounds")
    bad: int = setting(0, "bad paths of one tree that are imitated whole; the baseline of the sheet", needs="rounds")
    back: int = setting(4, "acts of a way back, at most", needs="revisions", least=1)
    tries: int = setting(4, "tries of a revision in a world with draws", needs="revisions", least=1)


def build_agent_r(setup: Setup) -> Parts:
    """Imitate, evaluate, rounds of search, revision and imitation, evaluate."""
    from turnwise.learn.weights.agent_r import AgentR
    from turnwise.learn.weights.imitation import ImitationSettings
    from turnwise.models.options import shares

    s: AgentRSettings = setup.settings
    tries = s.tries if setup.world.random_observations else 1
    reviser = Reviser(setup.world, steady, s.back, tries)
    mixer = Mixer(first_bad_of(setup), reviser, s.alpha, s.beta, s.revisions, s.good, s.bad, s.initial)
    explorer = TreeSearch(s.simulations, s.width, s.c / math.sqrt(2.0))
    how = ImitationSettings(lr=s.lr, epochs=s.epochs, batch=s.batch, batch_tokens=s.batch_tokens, warmup=1)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        table = tables.of_policy("improve", number, progress, s.tasks)
        return table.collect(explorer, tasks_in_turn(tasks, s.tasks, number))

    judges = [Verdicts(partial(shares, policy), lambda: policy.version)] if s.judge == "actor" else []
    improve = Stage("improve", s.rounds, collect, lambda: AgentR(policy, mixer.mix, how, setup.seed), feedback=judges)
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


def first_bad_of(setup: Setup) -> FirstBad | None:
    """Who finds the first bad act; None: the actor, whose verdicts are signals of the round."""
    s: AgentRSettings = setup.settings
    if s.judge not in JUDGES:
        raise UnknownName("judge of the first bad act", s.judge, JUDGES)
    if s.judge == "actor":
        return None
    if s.judge == "exact":
        exact = setup.world.exact()
        return lambda tree, leaf: first_drop(exact.advantages(tree, leaf), s.drop)

    def by_tree(tree: Episode, leaf: int) -> Place:
        return first_error(tree_labels(tree, leaf, s.drop))

    return by_tree


RECIPE = Recipe(
    name="agent-r",
    title="Agent-R: imitate revisions made of search trees",
    source="arXiv 2501.11425; specs/learn/agent_r",
    settings=AgentRSettings,
    build=build_agent_r,
    leans=("search",),
    claim=Claim(
        says="imitating revisions beside good paths earns more than imitating good paths alone",
        against="good-paths: the same recipe without revisions",
        trial=Trial(
            "maze",
            "good-paths",
            by="return",
            settings={
                "expert": "half-random",
                "demos": 200,
                "demo_lr": 2e-3,
                "max_new": 8,
                "rounds": 3,
                "tasks": 6,
                "simulations": 8,
                "evaluate": 16,
                "judge": "exact",
                "alpha": -11.0,
                "beta": 2.0,
            },
            world_settings={"layout": "umaze", "max_steps": 12},
        ),
    ),
)
