"""ArCHer: off-policy critic of whole utterances, token policy gradient inside them (specs/learn/archer)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from turnwise.core.progress import Progress
from turnwise.core.types import Episode
from turnwise.explore import Independent
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import ImitateSettings, imitation, make_policy, parts_of, tables_of


@dataclass(frozen=True)
class ArcherRecipeSettings(ImitateSettings):
    """Two levels. The published numbers are for GPT-2 with a RoBERTa critic; smaller models take larger steps, and
    fewer turns in each.
    """

    rounds: int = setting(30, "rounds of collecting and learning", "ours; ArCHer: 2000")
    episodes: int = setting(128, "episodes per round", "ArCHer: 128", needs="rounds", least=1)
    critic_steps: int = setting(50, "critic steps per round", "ArCHer: 50", needs="rounds", least=1)
    actor_steps: int = setting(3, "actor steps per round", "ArCHer: 3", needs="rounds", least=1)
    reuse: float = setting(
        5.0,
        "how often the critic steps of a round draw each new turn on average; fewer starve it where episodes are long",
        "ours; ArCHer: 5, 50 steps of 8 x 32 for 128 episodes of 20 turns",
        needs="rounds",
    )
    actor_batch: int = setting(256, "turns per actor step", "ArCHer: 8 x 32", needs="rounds", least=1)
    critic_warmup: int = setting(
        2,
        "first rounds in which the actor rests, and Q learns what the episodes went on to earn",
        "ours; ArCHer: 20, by bootstrapping",
        needs="rounds",
    )
    critic_lr: float = setting(1e-3, "step size of the critic", "ours; ArCHer: 2e-5", needs="rounds")
    lr: float = setting(2e-4, "step size of the actor", "ours; ArCHer: 1e-6", needs="rounds")
    gamma: float = setting(0.95, "discount per turn", "ArCHer: 0.95", needs="rounds")
    tau: float = setting(
        0.1, "share of the critic that its target takes over after each step", "ArCHer: 0.1", needs="rounds"
    )
    buffer: int = setting(100_000, "turns that the replay keeps", "ArCHer: 100,000", needs="rounds", least=1)
    centre: bool = setting(
        True, "take the mean advantage off: two minima need not cancel", "ours; ArCHer: false", needs="rounds"
    )
    token_baseline: bool = setting(
        False, "a baseline per token, read from the policy's states", "ArCHer: an option", needs="rounds"
    )
    width: int = setting(128, "width of the critic's heads", "ours", needs="rounds", least=1)
    max_norm: float = setting(1.0, "largest norm of the gradient", "ArCHer: 1.0", needs="rounds")


def build_archer(setup: Setup) -> Parts:
    """Imitate, evaluate, rounds of both levels, evaluate."""
    from turnwise.learn.weights.archer import Archer, ArcherSettings

    s: ArcherRecipeSettings = setup.settings
    policy = make_policy(setup, critic=False)
    tables = tables_of(setup, policy)
    tasks = setup.world.tasks("train")
    shared = (field.name for field in fields(ArcherSettings) if hasattr(s, field.name))
    how = ArcherSettings(**{name: getattr(s, name) for name in shared})

    def collect(number: int, progress: Progress) -> list[Episode]:
        table = tables.of_policy("improve", number, progress, s.episodes)
        return table.collect(Independent(), tasks_in_turn(tasks, s.episodes, number))

    improve = Stage("improve", s.rounds, collect, lambda: Archer(policy, how, setup.seed))
    before, after = tables.evaluation("evaluate-before"), tables.evaluation("evaluate-after")
    return parts_of(policy, [*imitation(setup, policy), before, improve, after])


RECIPE = Recipe(
    name="archer",
    title="ArCHer: off-policy utterance critic, token-level actor",
    source="ArCHer (arXiv 2402.19446); specs/learn/archer",
    settings=ArcherRecipeSettings,
    build=build_archer,
    instead="fitted Q - V",
    leans=("replay",),
    claim=Claim(
        says="wins a corridor more often than REINFORCE, GRPO and PPO after as many episodes and as many steps of the "
        "policy: an early key, one reward at the end",
        against="reinforce, grpo and turn-ppo: 640 episodes and 80 steps each, from the same kind of imitator",
        trial=Trial(
            "key-corridor",
            ("reinforce", "grpo", "turn-ppo"),
            settings={
                "demos": 300,
                "rounds": 10,
                "evaluate": 8,
                "reinforce.tasks": 64,
                "reinforce.minibatches": 8,
                "grpo.tasks": 8,
                "grpo.minibatches": 8,
                "turn-ppo.tasks": 64,
                "turn-ppo.minibatches": 8,
                "archer.episodes": 64,
                "archer.gamma": 1.0,
                "archer.critic_steps": 40,
                "archer.actor_steps": 8,
                "archer.actor_batch": 128,
            },
        ),
    ),
)
