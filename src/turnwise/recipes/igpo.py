"""IGPO: a turn earns the rise of the policy's own probability of the right answer (specs/credit/igpo)."""

from __future__ import annotations

from dataclasses import dataclass

from turnwise.core import pairing
from turnwise.credit.igpo import Igpo
from turnwise.feedback.probe import Probe
from turnwise.loop import Parts
from turnwise.recipes.base import Claim, Recipe, Setup, Trial, setting
from turnwise.recipes.imitate import make_policy
from turnwise.recipes.improve import ImproveSettings, build


@dataclass(frozen=True)
class IgpoSettings(ImproveSettings):
    """Group credit with a belief probe."""

    order: str = setting(
        "norm-then-sum", "norm-then-sum, sum-then-norm, telescoped or raw: rises to credit", "IGPO", needs="rounds"
    )
    whole: bool = setting(
        True,
        "probe the answer's probability; false: the geometric mean over its tokens",
        "ours: with the mean, half-known answers look nearly known; IGPO: false",
        needs="rounds",
    )
    gamma: float = setting(1.0, "discount per turn", "IGPO repository: 1", needs="rounds")


def build_igpo(setup: Setup) -> Parts:
    """The rule in the common way, with the probe of the policy that is trained.

    Raises:
        WrongPairing: the world's tasks have no right answer.
    """
    s: IgpoSettings = setup.settings
    rule = Igpo(order=s.order, gamma=s.gamma)  # type: ignore[arg-type]  # the rule checks the word
    answer = setup.world.answer
    told = {"tokens"} if answer(setup.world.tasks("train")[0]) is None else {"tokens", "answer"}
    pairing.check({"feedback 'probe'": Probe.needs}, told)
    policy = make_policy(setup, critic=False)
    return build(setup, rule, [Probe(policy, answer, s.whole, s.batch_tokens)], policy=policy)


RECIPE = Recipe(
    name="igpo",
    title="IGPO: turns earn the rise of the probability of the right answer",
    source="arXiv 2510.14967; specs/credit/igpo",
    settings=IgpoSettings,
    build=build_igpo,
    claim=Claim(
        says="where most groups fail as a whole, it wins more often than GRPO after as many episodes",
        against="grpo, groups of four, from the same kind of imitator",
        trial=Trial(
            "bit-naming",
            "grpo",
            settings={
                "demos": 1500,
                "demo_lr": 2e-3,
                "expert": "good",
                "evaluate": 8,
                "rounds": 12,
                "tasks": 16,
                "group": 4,
                "averaging": "token-mean",
            },
        ),
    ),
)
