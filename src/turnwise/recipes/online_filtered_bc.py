"""Online filtered BC: collect with the current policy, keep the best, clone them, again (specs/learn/bc_family)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.core.progress import Progress
from turnwise.core.types import Episode
from turnwise.explore import Independent
from turnwise.learn.filters import FILTERS, check_ranking, check_share
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of
from turnwise.recipes.mazes import HALF_RANDOM, SHORT


@dataclass(frozen=True)
class OnlineFilteredBcSettings(ImitateSettings):
    """The simplest online learner."""

    rounds: int = setting(30, "rounds of collect and clone", "LMRL-Gym: 1 (wordle), 100 (maze)")
    episodes: int = setting(128, "episodes per round", "LMRL-Gym: 128", needs="rounds", least=1)
    share: float = setting(0.3, "share of a round that is kept, by return", "LMRL-Gym: 0.3", needs="rounds")
    rank: str = setting(
        "data", "what is ranked together: all of a round, or each task's episodes", "LMRL-Gym: data", needs="rounds"
    )
    batch: int = setting(32, "kept episodes per step", "LMRL-Gym: 32 or 128", needs="rounds", least=1)
    lr: float = setting(
        3e-4, "step size of the online rounds", "LMRL-Gym: 1e-5 to 1e-4, for larger models", needs="rounds"
    )


def build_online_filtered_bc(setup: Setup) -> Parts:
    """Imitate, evaluate, rounds of filtered cloning, evaluate.

    Nothing accumulates: each round sees its own episodes only.
    """
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings

    s: OnlineFilteredBcSettings = setup.settings
    check_share(s.share)
    check_ranking(s.rank)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    tasks = setup.world.tasks("train")
    how = ImitationSettings(lr=s.lr, epochs=1, batch=s.batch, batch_tokens=s.batch_tokens, warmup=1)

    def collect(number: int, progress: Progress) -> list[Episode]:
        table = tables.of_policy("improve", number, progress, s.episodes)
        return table.collect(Independent(), tasks_in_turn(tasks, s.episodes, number))

    improve = Stage(
        "improve",
        s.rounds,
        collect,
        lambda: Imitation(policy, how, setup.seed),
        choose=lambda episodes: FILTERS[s.rank](episodes, s.share),
    )
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


RECIPE = Recipe(
    name="online-filtered-bc",
    title="Online filtered BC: clone the best of each round",
    source="LMRL-Gym (arXiv 2311.18232); specs/learn/bc_family",
    settings=OnlineFilteredBcSettings,
    build=build_online_filtered_bc,
    claim=Claim(
        says="cloning the better half of its own games of each start raises the return of the clone it starts from",
        against="the clone it starts from, on the same evaluation episodes",
        trial=Trial(
            "maze",
            by="return",
            seeds=3,
            settings={**HALF_RANDOM, "rounds": 10, "episodes": 50, "rank": "task", "share": 0.5},
            world_settings=SHORT,
        ),
    ),
)
