"""Expert iteration: search with the current policy, imitate what was found, again (specs/learn/bfs_prover_v2)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.core.errors import UnknownName
from turnwise.core.progress import Progress, Silent
from turnwise.core.protocols import Explorer
from turnwise.core.types import Episode
from turnwise.explore.best_first import BestFirst
from turnwise.explore.tree_search import TreeSearch
from turnwise.learn.solved import solved_paths
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of

SEARCHES = ("tree", "best-first")


@dataclass(frozen=True)
class SearchSettings(ImitateSettings):
    """Settings of the recipes that learn from search trees."""

    rounds: int = setting(10, "rounds of search and imitation")
    tasks: int = setting(16, "tasks searched per round", needs="rounds", least=1)
    simulations: int = setting(
        16, "rollouts of a tree search, or expansions of a best-first one", needs="rounds", least=2
    )
    width: int = setting(3, "replies asked for at a place", "ReST-MCTS*: 3", needs="rounds", least=1)
    batch: int = setting(16, "found episodes per step", needs="rounds", least=1)
    lr: float = setting(5e-4, "step size of imitation", needs="rounds")
    epochs: int = setting(1, "passes over what is imitated, per round", needs="rounds", least=1)


@dataclass(frozen=True)
class ExpertIterationRecipeSettings(SearchSettings):
    """The search, the filters, and the plateau."""

    search: str = setting("tree", "how is searched: `tree` (UCT) or `best-first`", "predecessor: best-first")
    c: float = setting(1.0, "weight of exploration of the tree, in units of the returns", needs="rounds")
    a: float = setting(1.0, "normalisation by length of best-first", "not confirmed", needs="rounds")
    merge: bool = setting(
        False, "places of best-first that look alike are one", "specs/worlds/step-proving", needs="rounds"
    )
    low: float = setting(0.1, "turns below this quantile of nll are known already", "sheet: 0.1", needs="rounds")
    high: float = setting(0.9, "turns above this quantile of nll are noise", "sheet: 0.9", needs="rounds")
    hard_low: float = setting(0.3, "the lower quantile on a plateau", needs="rounds")
    easy: float = setting(
        1.0, "tasks of which more than this share of the paths succeeded are left out", needs="rounds"
    )
    most: int = setting(8, "solutions of one task that are held, newest first", needs="rounds", least=1)
    hold_demos: bool = setting(
        False, "demonstrations that succeeded are solutions from the start", "sheet: data of all earlier experts",
        needs="rounds",
    )  # fmt: skip
    patience: int = setting(
        0, "rounds without a rise after which all solved tasks are proved again, and all begins anew; 0: never",
        needs="rounds",
    )  # fmt: skip
    rise: float = setting(0.02, "of the share of solved tasks, that is none", needs="patience")
    again: int = setting(4, "passes over the solutions after such a beginning", needs="patience", least=1)


def build_expert_iteration(setup: Setup) -> Parts:
    """Imitate, evaluate, rounds of search and imitation, evaluate."""
    from turnwise.learn.weights.expert_iteration import ExpertIteration, ExpertIterationSettings
    from turnwise.learn.weights.imitation import ImitationSettings

    s: ExpertIterationRecipeSettings = setup.settings
    explorer = explorer_of(s)
    own = ExpertIterationSettings(
        low=s.low,
        high=s.high,
        hard_low=s.hard_low,
        hard_high=s.high,
        easy=s.easy,
        most=s.most,
        patience=s.patience,
        rise=s.rise,
        again=s.again,
    )
    how = ImitationSettings(lr=s.lr, epochs=s.epochs, batch=s.batch, batch_tokens=s.batch_tokens, warmup=1)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        chosen = improve.learner.again or tasks_in_turn(tasks, s.tasks, number)
        return tables.of_policy("improve", number, progress, len(chosen)).collect(explorer, chosen)

    shown = imitation(setup, policy)

    def learner() -> ExpertIteration:
        made = ExpertIteration(policy, own, how, setup.seed)
        for stage in shown if s.hold_demos else ():
            made.solutions.add(solved_paths(stage.collect(0, Silent())))
        return made

    improve = Stage("improve", s.rounds, collect, learner)
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*shown, before, improve, after])


def explorer_of(s: ExpertIterationRecipeSettings) -> Explorer:
    """The search that the settings ask for."""
    if s.search not in SEARCHES:
        raise UnknownName("search", s.search, SEARCHES)
    if s.search == "tree":
        return TreeSearch(s.simulations, s.width, s.c)
    return BestFirst(s.simulations, s.width, s.a, enough=s.most, merge=s.merge)


RECIPE = Recipe(
    name="expert-iteration",
    title="Expert iteration: search, imitate what was found, again",
    source="BFS-Prover-V2 (arXiv 2509.06493); specs/learn/bfs_prover_v2",
    settings=ExpertIterationRecipeSettings,
    build=build_expert_iteration,
    leans=("search",),
    claim=Claim(
        says="search finds what plain sampling does not, and imitating it teaches more",
        against="fixed-horizon: imitation of all successes of plain episodes, as many as the search has rollouts",
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
                "fixed-horizon.episodes": 256,
                "fixed-horizon.draw": 256,
            },
        ),
    ),
)
