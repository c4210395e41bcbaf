"""Parts that recipes share: a policy, demonstrations to imitate, tables to play at, evaluations that can be paired.

imitate            demonstrations of the world's scripted player -> behaviour cloning
evaluate-...       every evaluation task, with draws that training never sees and that are the same whenever it is asked
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnwise.agents.company import expert, in_company
from turnwise.agents.plain import PlainAgent
from turnwise.agents.spec import new_policy
from turnwise.core.cursor import Limits
from turnwise.core.errors import TurnwiseError
from turnwise.core.progress import Progress, counting
from turnwise.core.protocols import Agent
from turnwise.core.types import Episode, Seat
from turnwise.explore import Independent, Table, curriculum
from turnwise.explore.table import Driver
from turnwise.learn.in_turn import InTurn
from turnwise.loop import Parts, Stage, tasks_in_turn
from turnwise.recipes.base import Setup, setting

if TYPE_CHECKING:
    from turnwise.models.policy import Policy
    from turnwise.models.sampling import Sampling


@dataclass(frozen=True)
class ImitateSettings:
    """Settings of everything that begins with imitation."""

    demos: int = setting(1500, "episodes of the scripted player that are imitated; 0 starts from the model as it is")
    expert: str = setting("", "which scripted player; empty: the world's own demonstrator", needs="demos")
    demo_turns: int = setting(
        0,
        "demonstrations are cut after so many turns; 0: the world's own end",
        "LMRL-Gym maze: about 20",
        needs="demos",
    )
    demo_epochs: int = setting(4, "passes over the demonstrations", "LMRL-Gym: 1", needs="demos", least=1)
    demo_lr: float = setting(1e-3, "step size of imitation", "LMRL-Gym wordle: 2e-3", needs="demos")
    demo_batch: int = setting(8, "demonstrations per step", "LMRL-Gym: 32 or 128", needs="demos", least=1)
    max_new: int = setting(24, "most tokens in one reply", least=1)
    turns: int = setting(0, "cut episodes after so many turns; 0: the world's own end")
    evaluate: int = setting(6, "evaluation episodes per task", least=1)
    batch_tokens: int = setting(16384, "most tokens in one training pass", least=1)
    live: int = setting(512, "most episodes at once", least=1)


def make_policy(setup: Setup, critic: int) -> Policy:
    """The policy: new from the model spec, with as many value heads as critics, or as the checkpoint has it."""
    from turnwise.models.policy import Policy
    from turnwise.models.threads import fit_threads

    if setup.checkpoint is not None:
        policy = Policy.load(setup.checkpoint / "policy")
    else:
        policy = new_policy(setup.model, setup.world, setup.seed, value_head=critic)
    fit_threads(policy)
    return policy


def imitation(
    setup: Setup,
    policy: Policy,
    choose: Callable[[Sequence[Episode]], list[Episode]] = list,
    then: Sequence[Callable[[], Any]] = (),
) -> list[Stage]:
    """The stage `imitate`: the scripted player's episodes on training tasks; `choose` says which of them are imitated,
    and `then` makes learners that go on with the same episodes. Nothing where no demonstrations are wanted.
    """
    from turnwise.learn.weights.imitation import Imitation, ImitationSettings

    s: ImitateSettings = setup.settings
    if not s.demos:
        return []
    how = ImitationSettings(lr=s.demo_lr, epochs=s.demo_epochs, batch=s.demo_batch, batch_tokens=s.batch_tokens)
    player, tasks = expert(setup.world, s.expert), tasks_in_turn(setup.world.tasks("train"), s.demos, 0)

    def collect(number: int, progress: Progress) -> list[Episode]:
        cut = Limits(turns=s.demo_turns or None)
        agents = in_company(setup.world, {"agent": player})
        table = Table(setup.world, agents, setup.seed, "imitate", number, limits=cut, live=64)
        return table.collect(Independent(), tasks)

    def clone() -> Imitation:
        return Imitation(policy, how, setup.seed)

    return [Stage("imitate", 1, collect, (lambda: InTurn([clone, *then])) if then else clone, choose=choose)]


@dataclass
class Tables:
    """Tables at which the policy plays."""

    setup: Setup
    policy: Policy
    sampling: Sampling
    limits: Limits

    def of_policy(self, stage: str, number: int, progress: Progress, expected: int, draws: str | None = None) -> Table:
        """A table with the policy in its seat; progress counts finished episodes."""
        agents, drive = self.seated()
        return Table(
            self.setup.world,
            in_company(self.setup.world, agents),
            self.setup.seed,
            stage,
            number,
            draws,
            self.limits,
            self.setup.settings.live,
            drive,
            counting(progress, "sample", expected),
        )

    def seated(self) -> tuple[dict[Seat, Agent], Driver]:
        """Who learns and sits: the policy in the agent's seat, and what runs it."""
        from turnwise.models.engine import Engine

        engine = Engine(self.policy)
        return {"agent": PlainAgent(engine, self.sampling)}, engine.run

    def evaluation(self, name: str) -> Stage:
        """Every evaluation task a few times, with the same draws whenever it is asked."""
        tasks = [t for t in self.setup.world.tasks("eval") for _ in range(self.setup.settings.evaluate)]

        def collect(number: int, progress: Progress) -> list[Episode]:
            return self.of_policy(name, number, progress, len(tasks), "evaluate").collect(Independent(), tasks)

        return Stage(name, 1, collect)


def tables_of(setup: Setup, policy: Policy) -> Tables:
    """The tables that the settings ask for.

    Raises:
        TurnwiseError: a turn budget that the world's own end never lets anybody spend.
    """
    from turnwise.models.sampling import Sampling

    s: ImitateSettings = setup.settings
    if s.turns >= setup.world.turns:
        raise TurnwiseError(
            f"turns={s.turns} has no effect: {setup.world.name} ends after {setup.world.turns} turns",
            f"turns from 1 to {setup.world.turns - 1}, or 0 for the world's own end",
            "leave out turns, or change the world's own limit",
        )
    return Tables(setup, policy, Sampling(max_new=s.max_new), Limits(turns=s.turns or None))


def parts_of(policy: Policy, stages: Sequence[Stage]) -> Parts:
    """Stages with the policy as what they share."""
    return Parts(stages, lambda to: policy.save(to / "policy"))


def with_curriculum(parts: Parts, chooses: curriculum.Curriculum, setup: Setup) -> Parts:
    """The same parts, whose checkpoints hold the curriculum's state too; a run that goes on finds it there."""
    if setup.checkpoint is not None:
        curriculum.load(chooses, setup.checkpoint)

    def save(to: Path) -> None:
        parts.save(to)
        curriculum.save(chooses, to)

    return Parts(parts.stages, save)
