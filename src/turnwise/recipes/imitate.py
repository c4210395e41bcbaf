"""Parts that recipes share: a policy, demonstrations to imitate, tables to play at, evaluations that can be paired.

imitate            demonstrations of the world's scripted player -> behaviour cloning
evaluate-...       every evaluation task, with draws that training never sees and that are the same whenever it is asked
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turnwise.agents.plain import PlainAgent
from turnwise.agents.spec import corpus, expert
from turnwise.core.cursor import Limits
from turnwise.core.types import Episode
from turnwise.explore import Independent, Table
from turnwise.loop import Parts, Progress, Stage, tasks_in_turn
from turnwise.recipes.base import Setup, setting

if TYPE_CHECKING:
    from turnwise.models.policy import Policy
    from turnwise.models.sampling import Sampling


@dataclass(frozen=True)
class ImitateSettings:
    """Settings of everything that begins with imitation."""

    demos: int = setting(2000, "episodes of the scripted player that are imitated; 0 starts from the model as it is")
    expert: str = setting("", "which scripted player; empty: the world's own demonstrator")
    demo_epochs: int = setting(2, "passes over the demonstrations", "LMRL-Gym: 1")
    demo_lr: float = setting(2e-3, "step size of imitation", "LMRL-Gym wordle: 2e-3")
    demo_batch: int = setting(32, "demonstrations per step", "LMRL-Gym: 32 or 128")
    max_new: int = setting(24, "most tokens in one reply")
    turns: int = setting(0, "cut episodes after so many turns; 0: the world's own end")
    evaluate: int = setting(2, "evaluation episodes per task")
    batch_tokens: int = setting(16384, "most tokens in one training pass")
    live: int = setting(512, "most episodes at once")


def make_policy(setup: Setup, critic: bool) -> Policy:
    """The policy: new from the model spec, or as the checkpoint has it."""
    from turnwise.models.load import load_policy
    from turnwise.models.policy import Policy

    if setup.checkpoint is not None:
        return Policy.load(setup.checkpoint / "policy")
    return load_policy(setup.model, seed=setup.seed, corpus=corpus(setup.world, setup.seed), value_head=critic)


def demonstrations(setup: Setup, stage: str, count: int, number: int) -> list[Episode]:
    """Episodes of the scripted player on training tasks."""
    table = Table(
        setup.world, {"agent": expert(setup.world, setup.settings.expert)}, setup.seed, stage, number, live=64
    )
    return table.collect(Independent(), tasks_in_turn(setup.world.tasks("train"), count, 0))


def imitation(setup: Setup, policy: Policy, choose: Callable[[Sequence[Episode]], list[Episode]] = list) -> list[Stage]:
    """The stage `imitate`, or nothing where no demonstrations are wanted; `choose` filters them first."""
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings

    s: ImitateSettings = setup.settings
    if not s.demos:
        return []
    how = ImitationSettings(lr=s.demo_lr, epochs=s.demo_epochs, batch=s.demo_batch, batch_tokens=s.batch_tokens)
    return [
        Stage(
            "imitate",
            1,
            lambda number, progress: demonstrations(setup, "imitate", s.demos, number),
            lambda: Imitation(policy, how, setup.seed),
            choose=choose,
        )
    ]


@dataclass
class Tables:
    """Tables at which the policy plays."""

    setup: Setup
    policy: Policy
    sampling: Sampling
    limits: Limits

    def of_policy(self, stage: str, number: int, progress: Progress, expected: int, draws: str | None = None) -> Table:
        """A table with the policy in the agent's seat; progress counts finished episodes."""
        from turnwise.models.engine import Engine

        engine = Engine(self.policy)
        agent = PlainAgent(engine, self.sampling)
        done = 0

        def finished(_: Episode) -> None:
            nonlocal done
            done += 1
            progress.part("sample", done / expected)

        return Table(
            self.setup.world,
            {"agent": agent},
            self.setup.seed,
            stage,
            number,
            draws,
            self.limits,
            self.setup.settings.live,
            engine.run,
            finished,
        )

    def evaluation(self, name: str) -> Stage:
        """Every evaluation task a few times, with the same draws whenever it is asked."""
        tasks = [t for t in self.setup.world.tasks("eval") for _ in range(self.setup.settings.evaluate)]

        def collect(number: int, progress: Progress) -> list[Episode]:
            return self.of_policy(name, number, progress, len(tasks), "evaluate").collect(Independent(), tasks)

        return Stage(name, 1, collect)


def tables_of(setup: Setup, policy: Policy) -> Tables:
    """The tables that the settings ask for."""
    from turnwise.models.sampling import Sampling

    s: ImitateSettings = setup.settings
    return Tables(setup, policy, Sampling(max_new=s.max_new), Limits(turns=s.turns or None))


def parts_of(policy: Policy, stages: Sequence[Stage]) -> Parts:
    """Stages with the policy as what they share."""
    return Parts(stages, lambda to: policy.save(to / "policy"))
