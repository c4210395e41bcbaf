"""Which tasks a round works on: those whose right reply the policy of the moment thinks least likely, or any others
(specs/learn/itool).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turnwise.core.chance import Chance, generator
from turnwise.core.cursor import Cursor
from turnwise.core.errors import UnknownName, WrongPairing
from turnwise.core.types import Message, Task
from turnwise.learn.deficiency import anybody, hardest, perplexity
from turnwise.worlds.base import World

if TYPE_CHECKING:
    from turnwise.models.policy import Policy

SELECTIONS = ("hard", "random")


@dataclass(frozen=True)
class Miner:
    """Chooses the tasks of a round out of a pool that stays the same.

    Args:
        world: whose tasks tell the right reply.
        pool: the samples.
        share: of each class, with a call and without one.
        select: the `hard` ones, or as many at `random`.
        seed: of the random ones.
    """

    world: World
    pool: Sequence[Task]
    share: float
    select: str
    seed: int

    def __post_init__(self) -> None:
        if self.select not in SELECTIONS:
            raise UnknownName("selection of tasks", self.select, SELECTIONS)
        if not self.pool or self.world.answer(self.pool[0]) is None:
            raise WrongPairing(
                f"perplexity of the right reply on {self.world.name}, whose tasks do not tell one",
                "a world whose tasks do",
                "choose one: api-calls, bit-naming",
            )

    def choose(self, policy: Policy, number: int, batch_tokens: int) -> list[Task]:
        """The tasks of a round."""
        answers = [self.world.answer(task) or "" for task in self.pool]
        classes = [")" in answer for answer in answers]
        if self.select == "random":
            chosen = anybody(generator(self.seed, "mining", number), classes, self.share)
        else:
            found = perplexities(policy, [opening(self.world, task) for task in self.pool], answers, batch_tokens)
            chosen = hardest(found, classes, self.share)
        return [self.pool[i] for i in chosen]


def opening(world: World, task: Task) -> tuple[Message, ...]:
    """What the agent sees first."""
    cursor = Cursor(world.live(), task, Chance(0))
    cursor.begin()
    return cursor.view("agent").messages


def perplexities(
    policy: Policy, views: Sequence[Sequence[Message]], replies: Sequence[str], batch_tokens: int
) -> list[float]:
    """Of each reply in its view, the end of the reply included."""
    from turnwise.models.law import scores

    said = [(policy.chat.open(v), policy.chat.text_ids(text)) for v, text in zip(views, replies, strict=True)]
    lots = max(1, batch_tokens // max(len(prompt) + len(reply) for prompt, reply in said))
    logps = [logp for first in range(0, len(said), lots) for logp in scores(policy, said[first : first + lots])]
    return [perplexity(logp, len(reply)) for logp, (_, reply) in zip(logps, said, strict=True)]
