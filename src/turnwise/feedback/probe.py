"""How probable the right answer is to the policy itself, after every turn (IGPO's belief probe)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Signal, Task

if TYPE_CHECKING:
    from turnwise.models.policy import Policy

NAME = "probe"

Asked = tuple[tuple[int, ...], tuple[int, ...]]
"""Ids read before a turn, and ids of the right answer."""


@dataclass(frozen=True)
class Probe:
    """Feedback: the signal `probe` of a turn is Phi after it, that of an episode is Phi before its first turn.

        Phi = exp( mean over the answer's tokens of log pi(token | all that was read, the tokens before) )
        whole: the sum in place of the mean, the probability of the answer as it stands; equal where it is one token

    Read at the view before each turn, with the very ids that the policy read there; nothing is sampled, so a run is the
    same with and without. What is said of a last turn repeats what stood before it: it answers, nobody asks after it.

    Args:
        policy: who is asked.
        answer: the right answer of a task, as the policy would write it.
        whole: the answer's probability instead of the geometric mean over its tokens (the paper).
        batch_tokens: most tokens in one pass.

    Source: arXiv 2510.14967, specs/credit/igpo. There a bridge text makes the policy answer; here the answer is
    itself a reply of the game.
    """

    policy: Policy
    answer: Callable[[Task], str | None]
    whole: bool = False
    batch_tokens: int = 16384
    needs = frozenset({"tokens", "answer"})
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn and one per path."""
        places = [(e, leaf, self._asked(e, leaf)) for e in episodes for leaf in range(len(e.ends)) if e.path(leaf)]
        phi = self._phi([asked for _, _, on_path in places for asked in on_path.values()])
        signals: dict[tuple[str, int | None, int], Signal] = {}
        for episode, leaf, on_path in places:
            before = [phi[asked] for asked in on_path.values()]
            first = Signal(episode.id, NAME, None, leaf, value=before[0], source="the policy")
            signals[episode.id, None, leaf] = first
            for turn, after in zip(on_path, [*before[1:], before[-1]], strict=True):
                said = Signal(episode.id, NAME, turn, leaf, value=after, source="the policy")
                signals.setdefault((episode.id, turn, 0), said)
        return list(signals.values())

    def _asked(self, episode: Episode, leaf: int) -> dict[int, Asked]:
        """What is asked before each of the agent's turns on a path.

        Raises:
            TurnwiseError: the task has no right answer, or a turn no tokens.
        """
        answer = self.answer(episode.task)
        if answer is None:
            raise TurnwiseError(f"task {episode.task.key!r} tells no right answer", "a world whose tasks do")
        wanted = tuple(self.policy.chat.text_ids(answer)[:-1])
        read: list[int] = []
        found = {}
        for index in episode.path(leaf):
            turn = episode.turns[index]
            if turn.seat != "agent":
                continue
            if turn.tokens is None:
                raise TurnwiseError(f"turn {index} of {episode.id!r} has no tokens", "turns that a model of ours wrote")
            read = [*([] if turn.fresh else read), *turn.tokens.prompt.tolist()]
            found[index] = tuple(read), wanted
            read += turn.tokens.reply.tolist()
        return found

    def _phi(self, asked: Sequence[Asked]) -> dict[Asked, float]:
        """Phi of each thing asked; equal ones are asked once."""
        from turnwise.models.law import scores

        things = sorted(dict.fromkeys(asked), key=lambda thing: len(thing[0]))
        found: dict[Asked, float] = {}
        lot: list[Asked] = []
        for number, thing in enumerate(things):
            lot.append(thing)
            longest = len(thing[0]) + len(thing[1])
            if (len(lot) + 1) * longest > self.batch_tokens or number == len(things) - 1:
                logp = scores(self.policy, lot)
                found |= {
                    one: float(np.exp(lp if self.whole else lp / len(one[1])))
                    for one, lp in zip(lot, logp, strict=True)
                }
                lot = []
        return found
