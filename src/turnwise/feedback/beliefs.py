"""Surveys in a game of hidden roles: who is believed to be the impostor, before and after each message.

Two kinds of signal come of them. Speaking: where the others' summed belief in the truth stood before a message and
after it. Listening: at which views the agent itself is asked, with the right answer. A survey is a side question: it
enters no history and draws nothing, so a run is the same with and without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from turnwise.core.chance import generator
from turnwise.core.types import Episode, Message, Signal, Task
from turnwise.core.views import views_along

BEFORE, AFTER, SIDE, LISTENING = "belief-before", "belief-after", "side", "listening"
QUESTION = "Who is the impostor?"

Score = Callable[[Sequence[Sequence[Message]], Sequence[Sequence[str]]], list[np.ndarray]]
"""Views and the options of each -> the probability of each option, as `PlainAgent.score` gives it."""


class HiddenRoles(Protocol):
    """The part of a world that is asked. Its facts of a turn hold `beliefs`: {before, after}, each name -> probability
    that this listener puts on the truth.
    """

    side: str

    def answer(self, task: Task) -> str: ...
    def options(self, task: Task) -> Sequence[str]: ...
    def asked(self, messages: Sequence[Message]) -> bool: ...


@dataclass(frozen=True)
class Beliefs:
    """Feedback: the signals that `turnwise.credit.influence` reads, and the targets of listening.

    belief-before, belief-after    of every turn: B = sum over the listeners of their belief in the truth, the speaker
                                   not among them; 0 and 0 where the turn is no message
    side                           of every path: 1 for the crew, -1 for the impostor
    listening                      of every turn that a survey belongs to: text, the right answer; value, the agent's
                                   own belief in it, where it was asked (None elsewhere: not asked is not zero)

    Args:
        world: whose game it is.
        score: asks the agent; None: nobody does.
        probes: surveys per batch that the agent is asked, drawn evenly; they cost a pass over the view for each name.

    Source: arXiv 2502.06060; specs/worlds/social-deduction, specs/credit/social-deduction-influence. In the recorded
    games the speaker's own belief counts too; the world's sheet leaves it out, and so does this.
    """

    world: HiddenRoles
    score: Score | None = None
    probes: int = 64
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """Signals of every turn of the agent; a turn that several paths share is judged once."""
        signals: list[Signal] = []
        surveys: list[tuple[Signal, tuple[Message, ...], Sequence[str]]] = []
        side = 1.0 if self.world.side == "crew" else -1.0
        for episode in episodes:
            judged: set[int] = set()
            for leaf in range(len(episode.ends)):
                signals.append(Signal(episode.id, SIDE, None, leaf, value=side, source="rules"))
                for turn, view in views_along(episode, leaf).items():
                    if turn in judged:
                        continue
                    judged.add(turn)
                    signals += spoken(episode, turn, leaf)
                    if self.world.asked(view):
                        answer = self.world.answer(episode.task)
                        asked = Signal(episode.id, LISTENING, turn, leaf, text=answer, source="survey")
                        surveys.append((asked, view, self.world.options(episode.task)))
        return signals + self._asked(surveys)

    def _asked(self, surveys: Sequence[tuple[Signal, tuple[Message, ...], Sequence[str]]]) -> list[Signal]:
        """The listening signals, with the agent's own belief where it was asked."""
        if self.score is None or not surveys:
            return [signal for signal, _, _ in surveys]
        rng = generator("surveys", surveys[0][0].episode, len(surveys))
        chosen = sorted(rng.permutation(len(surveys))[: self.probes].tolist())
        found = self.score([asked(surveys[i][1]) for i in chosen], [surveys[i][2] for i in chosen])
        belief = {
            i: float(shares[list(surveys[i][2]).index(surveys[i][0].text or "")])
            for i, shares in zip(chosen, found, strict=True)
        }
        return [
            Signal(s.episode, s.name, s.turn, s.leaf, value=belief.get(i), text=s.text, source=s.source)
            for i, (s, _, _) in enumerate(surveys)
        ]


def spoken(episode: Episode, turn: int, leaf: int) -> list[Signal]:
    """The pooled beliefs around one turn."""
    beliefs: dict[str, Any] = episode.turns[turn].facts.get("beliefs", {"before": {}, "after": {}})
    pooled = {BEFORE: sum(beliefs["before"].values()), AFTER: sum(beliefs["after"].values())}
    return [Signal(episode.id, name, turn, leaf, value=float(b), source="survey") for name, b in pooled.items()]


def asked(view: Sequence[Message], question: str = QUESTION) -> tuple[Message, ...]:
    """The view, and the side question after it."""
    return (*view, Message("user", question + "\n"))
