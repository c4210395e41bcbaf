"""iTool: imitate from easy to hard; then mine what the policy finds hard, search over fragments of the reply, learn
from the best and the worst sibling (specs/learn/itool).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.errors import UnknownName
from turnwise.core.progress import Progress
from turnwise.core.protocols import View
from turnwise.core.types import Batch, Episode, Task
from turnwise.explore.fragments import FragmentSearch, Judge, Promise, Writer
from turnwise.feedback.grades import own_opinion, worth_of_share
from turnwise.learn.fragments import fast_reward, fragment_pairs
from turnwise.learn.mined import Mined
from turnwise.learn.pairs import Example
from turnwise.loop import Parts, Stage
from turnwise.plan.fragments import Fragments
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, make_policy, parts_of, tables_of
from turnwise.recipes.mining import Miner
from turnwise.recipes.warm_up import warm_up
from turnwise.worlds.base import World

JUDGES = ("exact", "self")


@dataclass(frozen=True)
class ItoolSettings(ImitateSettings):
    """Warm-up, mining, search, pairs, and the objective."""

    stages: int = setting(
        3, "parts of the demonstrations, imitated from easy to hard; 1: all at once", "iTool: 3", needs="demos", least=1
    )
    rounds: int = setting(3, "rounds of mining, search and learning", "iTool: 3 (K)")
    tasks: int = setting(256, "training tasks that are mined, the same in every round", needs="rounds", least=1)
    share: float = setting(0.3, "of each class, with a call and without, that is kept", "iTool: 0.3", needs="rounds")
    select: str = setting("hard", "tasks of the highest perplexity (`hard`), or `random` ones", "iTool", needs="rounds")
    simulations: int = setting(5, "iterations of a search", "iTool: 5", needs="rounds", least=1)
    width: int = setting(3, "continuations at an expansion", "iTool: 3 (m)", needs="rounds", least=1)
    depth: int = setting(3, "fragments of a reply before the rest of it", "iTool: 3 (D)", needs="rounds", least=1)
    pieces: int = setting(2, "pieces in a fragment", "iTool: 2 (s)", needs="rounds", least=1)
    w: float = setting(1.0, "weight of exploration", "iTool: 1.0", needs="rounds")
    temperature: float = setting(1.5, "of the continuations", "iTool: 1.5", needs="rounds")
    judge: str = setting(
        "exact", "who grades a reply: the world (`exact`), or the policy it`self`", "iTool: self", needs="rounds"
    )
    gap: float = setting(0.1, "smallest difference in worth of two siblings", "iTool: 0.1", needs="rounds")
    alike: float = setting(0.95, "largest overlap of their words", "iTool: 0.95", needs="rounds")
    worst: float = setting(-0.3, "smallest worth of the better one", "iTool: -0.3", needs="rounds", least=float("-inf"))
    beta: float = setting(2.5, "steepness of the objective", "iTool: 2.5", needs="rounds")
    gamma: float = setting(0.5, "margin that is asked for", "iTool: 0.5", needs="rounds")
    lr: float = setting(3e-4, "step size of preference learning", "iTool: 1e-6, for 8B models", needs="rounds")
    epochs: int = setting(2, "passes over a round's pairs", "iTool: 2", needs="rounds", least=1)
    batch: int = setting(32, "pairs per step", needs="rounds", least=1)


def build_itool(setup: Setup) -> Parts:
    """Imitate from easy to hard, evaluate, rounds of mining, search and preference learning, evaluate."""
    from turnwise.learn.weights.preference import Preference, PreferenceSettings
    from turnwise.learn.weights.simpo import Simpo

    s: ItoolSettings = setup.settings
    train = setup.world.tasks("train")
    miner = Miner(setup.world, train[: s.tasks], s.share, s.select, setup.seed)
    how = Fragments(s.simulations, s.width, s.depth, s.pieces, s.w)
    explorer = FragmentSearch(judge_of(setup.world, s.judge), promise_of(setup.world), how, s.temperature)
    steps = PreferenceSettings(lr=s.lr, epochs=s.epochs, batch=s.batch, batch_tokens=s.batch_tokens)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)

    def collect(number: int, progress: Progress) -> list[Episode]:
        tasks = miner.choose(policy, number, s.batch_tokens)
        return tables.of_policy("improve", number, progress, len(tasks)).collect(explorer, tasks)

    def examples(batch: Batch, rng: np.random.Generator) -> Sequence[Example]:
        return fragment_pairs(batch.episodes, s.gap, s.alike, s.worst)

    def learner() -> Mined:
        return Mined(Preference(policy, Simpo(s.beta, s.gamma), examples, steps, setup.seed))

    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    improve = Stage("improve", s.rounds, collect, learner)
    return parts_of(policy, [*warm_up(setup, policy, s.stages), before, improve, after])


def judge_of(world: World, name: str) -> Judge:
    """Who grades whole replies. The sheet's judge is the policy itself; the exact checker of the world stands in for it
    unless it is asked for.
    """
    if name not in JUDGES:
        raise UnknownName("judge of replies", name, JUDGES)

    def by_world(writer: Writer, view: View, task: Task, reply: str) -> float:
        return worth_of_share(world.grade(task, reply))

    def by_itself(writer: Writer, view: View, task: Task, reply: str) -> float:
        return own_opinion(writer.score, view.messages, reply, world.answer(task) or "")

    return by_world if name == "exact" else by_itself


def promise_of(world: World) -> Promise:
    """The fast reward beside the task's right reply."""
    return lambda task, fragment: fast_reward(fragment, world.answer(task))


TRIAL = Trial(
    "api-calls",
    ("bc", "random-mining"),
    seeds=3,
    settings={
        "max_new": 48,
        "demos": 2000,
        "demo_epochs": 10,
        "demo_lr": 1e-3,
        "expert": "perfect",
        "evaluate": 4,
        "bc.demos": 4000,
        "itool.rounds": 4,
        "itool.tasks": 1024,
        "itool.temperature": 1.0,
        "random-mining.rounds": 4,
        "random-mining.tasks": 1024,
        "random-mining.temperature": 1.0,
    },
    world_settings={"tries": 1, "tested": 2},
)
"""Requests of two calls, one reply each."""

RECIPE = Recipe(
    name="itool",
    title="iTool: mine what is hard, search over fragments, learn from siblings",
    source="arXiv 2501.09766; specs/learn/itool",
    settings=ItoolSettings,
    build=build_itool,
    instead="preferences",
    leans=("pairs", "search"),
    claim=Claim(
        says="pairs of fragments on requests that the policy finds hard raise the exact match of two-call requests",
        against="imitation of twice the demonstrations, and the same search on requests chosen at random",
        trial=TRIAL,
    ),
)
