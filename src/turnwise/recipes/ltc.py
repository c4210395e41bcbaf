"""LTC: imitate the whole record of what went well, PPO on what one said oneself (specs/learn/ltc, specs/plan/ltc)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from turnwise.core.progress import Progress
from turnwise.core.types import Episode
from turnwise.explore import Independent
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of


@dataclass(frozen=True)
class LtcRecipeSettings(ImitateSettings):
    """One loss of two parts over a pool of records. The published numbers are for Llama-2 with 7 billion weights."""

    rounds: int = setting(16, "rounds of exploring and learning", "LTC: 16")
    episodes: int = setting(128, "episodes per round", "ours; LTC: 256 tasks", needs="rounds", least=1)
    train: int = setting(
        256, "records learned from per round, at most", "LTC: 1,024 (ALFWorld)", needs="rounds", least=1
    )
    batch: int = setting(16, "records per step", "ours", needs="rounds", least=1)
    lr: float = setting(3e-4, "step size", "ours", needs="rounds")
    recency: float = setting(
        0.9992, "weight of a record as against the next newer one", "LTC: .9992 (ALFWorld)", needs="rounds"
    )
    draws: str = setting("recency", "by `recency`, or the `last` records", "LTC; its code: last", needs="rounds")
    oldest: int = setting(
        2, "rounds after which a record is not drawn again; 0: never", "specs/plan/ltc", needs="rounds"
    )
    lm: float = setting(1.0, "weight of the language-model loss; 0 leaves PPO", "LTC: 1", needs="rounds")
    ppo: float = setting(0.5, "weight of the PPO term; 0 leaves imitation", "LTC: 0.5", needs="rounds")
    value: float = setting(0.5, "weight of the value error in the PPO term", "LTC: 0.5", needs="rounds")
    entropy: float = setting(0.01, "weight of the entropy bonus in the PPO term", "LTC: 0.01", needs="rounds")
    clip_ratio: float = setting(0.2, "PPO clip of the probability ratio", "LTC: 0.2", needs="rounds")
    others: bool = setting(False, "other players' turns enter the policy term too", "LTC's code: true", needs="rounds")
    rewards: str = setting(
        "outcome",
        "`outcome`: 1 for success and -1 for failure; `world`: its own rewards",
        "LTC: ALFWorld",
        needs="rounds",
    )
    max_norm: float = setting(1.0, "largest norm of the gradient", "ours", needs="rounds")


def build_ltc(setup: Setup) -> Parts:
    """Imitate, evaluate, rounds of exploring and learning from the pool, evaluate.

    Raises:
        UnknownName: a misspelt kind of rewards, or way to draw.
    """
    from turnwise.core.errors import UnknownName
    from turnwise.learn.records import REWARDS, RecordPool
    from turnwise.learn.weights.ltc import Ltc, LtcSettings

    s: LtcRecipeSettings = setup.settings
    if s.rewards not in REWARDS:
        raise UnknownName("kind of rewards", s.rewards, REWARDS)
    how = LtcSettings(**{f.name: getattr(s, f.name) for f in fields(LtcSettings) if hasattr(s, f.name)})
    pool = RecordPool(s.recency, s.draws, s.oldest)  # type: ignore[arg-type]  # checked there
    policy = make_policy(setup, critic=True)
    tables = tables_of(setup, policy)
    tasks = setup.world.tasks("train")

    def collect(number: int, progress: Progress) -> list[Episode]:
        table = tables.of_policy("improve", number, progress, s.episodes)
        return table.collect(Independent(), tasks_in_turn(tasks, s.episodes, number))

    improve = Stage("improve", s.rounds, collect, lambda: Ltc(policy, how, pool, setup.seed))
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


SETTINGS = {
    "demos": 110,
    "demo_epochs": 6,
    "demo_lr": 2e-3,
    "max_new": 32,
    "evaluate": 6,
    "rounds": 10,
    "episodes": 64,
    "lr": 1e-4,
}

RECIPE = Recipe(
    name="ltc",
    title="LTC: imitation of whole records and PPO on one's own words, from a pool",
    source="LTC (arXiv 2310.01444); specs/learn/ltc, specs/plan/ltc",
    settings=LtcRecipeSettings,
    build=build_ltc,
    instead="squashed return less value",
    leans=("critic",),
    claim=Claim(
        says="both parts of the loss together end above each part alone",
        against="imitation of the records alone, and PPO alone, on as many episodes",
        trial=Trial("grid-phone", ("ltc-imitation", "ltc-ppo"), settings=SETTINGS | {"ltc.lm": 0.1}),
    ),
)
