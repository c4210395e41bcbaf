"""TTI: imitation of one's own successes, with episodes that may grow longer from round to round (specs/learn/tti)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from turnwise.core.cursor import Limits
from turnwise.core.errors import TurnwiseError
from turnwise.core.progress import Progress
from turnwise.core.types import Episode
from turnwise.explore import Independent
from turnwise.explore.horizon import Horizon
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of


@dataclass(frozen=True)
class TtiSettings(ImitateSettings):
    """A horizon per round, and a pool of successes."""

    rounds: int = setting(15, "rounds of collect and imitate", "TTI: 15")
    schedule: str = setting(
        "stepped",
        "how the horizon grows: stepped, multiplicative, additive, fixed or short",
        "TTI scripts",
        needs="rounds",
    )
    least: int = setting(0, "turns of the first rounds; 0: a third of the most", "TTI: 10 of 30", needs="rounds")
    most: int = setting(0, "turns of the last rounds; 0: as many as in evaluation", "TTI: 30", needs="rounds")
    episodes: int = setting(
        64,
        "episodes of a round at the longest horizon; at a shorter one as many more as the same turns allow",
        "TTI: 512 at any horizon",
        needs="rounds",
        least=1,
    )
    draw: int = setting(128, "successes imitated per round, drawn from all so far", "TTI: 512", needs="rounds", least=1)
    mix: float = setting(0.5, "weight of recency in that draw; the rest balances tasks", "TTI: 0.5", needs="rounds")
    shortest: float = setting(
        1.0, "share of each task's successes that is kept, shortest first", "TTI: 1", needs="rounds"
    )
    batch: int = setting(32, "episodes per step", "TTI: 8", needs="rounds", least=1)
    lr: float = setting(3e-4, "step size of the online rounds", "TTI: 4e-6, for a model of 12 billion", needs="rounds")


def build_tti(setup: Setup) -> Parts:
    """Imitate, evaluate, rounds of cut episodes and imitation of what succeeded, evaluate."""
    from turnwise.learn.success_pool import SuccessPool, successes
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings
    from turnwise.learn.weights.replayed import ReplayedImitation

    s: TtiSettings = setup.settings
    horizon = horizon_of(s, setup.world.turns)
    successes([], s.shortest)
    pool = SuccessPool(s.mix)
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    tasks, steps = setup.world.tasks("train"), s.episodes * horizon.most
    how = ImitationSettings(lr=s.lr, epochs=1, batch=s.batch, batch_tokens=s.batch_tokens, warmup=1)

    def collect(number: int, progress: Progress) -> list[Episode]:
        turns, count = horizon.at(number), horizon.episodes(number, steps)
        before = sum(horizon.episodes(earlier, steps) for earlier in range(number))
        cut = dataclasses.replace(tables, limits=Limits(turns if turns < setup.world.turns else None))
        table = cut.of_policy("improve", number, progress, count)
        return table.collect(Independent(), tasks_in_turn(tasks, before + count, 0)[before:])

    improve = Stage(
        "improve",
        s.rounds,
        collect,
        lambda: ReplayedImitation(Imitation(policy, how, setup.seed), pool, s.draw),
        choose=lambda episodes: successes(episodes, s.shortest),
    )
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


def horizon_of(s: TtiSettings, turns: int) -> Horizon:
    """The schedule that the settings ask for in a world that ends after so many turns.

    Raises:
        TurnwiseError: a horizon that nobody can reach.
    """
    longest = s.turns or turns
    if s.most > longest:
        raise TurnwiseError(
            f"most={s.most} has no effect: episodes end after {longest} turns",
            f"most from 1 to {longest}, or 0 for all of them",
            "leave out most",
        )
    most = s.most or longest
    return Horizon(s.schedule, s.least or max(1, most // 3), most)


RECIPE = Recipe(
    name="tti",
    title="TTI: imitation of successes over a growing horizon",
    source="arXiv 2506.07976; specs/learn/tti",
    settings=TtiSettings,
    build=build_tti,
    claim=Claim(
        says="a horizon that grows matches or beats the full one and a short one, allowed as many turns in all",
        against="fixed-horizon and short-horizon: the same learner, at 21 and at 7 turns from the first round",
        trial=Trial(
            "search-rooms",
            ("fixed-horizon", "short-horizon"),
            no_worse=0.1,
            settings={"demos": 400, "evaluate": 4, "rounds": 10, "episodes": 40, "lr": 1e-3, "batch": 8},
            world_settings={"rooms": 4, "max_steps": 21},
        ),
    ),
)
