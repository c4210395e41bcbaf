"""The actor's own word on each of its acts: Good, Bad or Uncertain (specs/learn/agent_r, specs/evaluate/first-error).

    P(word | the history, the act, the question)       over the three words; the likeliest is the verdict

A question aside: it enters no history and draws nothing. What is bad moves as the actor improves, so every verdict
names the version of whoever gave it. An actor that never learned what the words mean says one of them nearly always:
look at the shares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from turnwise.core.types import Episode, Message, Signal
from turnwise.core.views import views_along

NAME = "verdict"
WORDS = ("Good", "Bad", "Uncertain")
QUESTION = "Was the last action Good, Bad or Uncertain?"

Score = Callable[[Sequence[Sequence[Message]], Sequence[Sequence[str]]], list[np.ndarray]]
"""Views and the options of each -> the probability of each option, as `PlainAgent.score` gives it."""


@dataclass(frozen=True)
class Verdicts:
    """Feedback: the signal `verdict` of a turn; text, the word in small letters; value, the probability of Bad.

    Args:
        score: asks the actor.
        version: of its weights, as they are now.
    """

    score: Score
    version: Callable[[], int]
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn of the agent; a turn that several paths share is judged once."""
        places: dict[tuple[str, int], tuple[int, Sequence[Message]]] = {}
        for episode in episodes:
            for leaf in range(len(episode.ends)):
                for turn, view in views_along(episode, leaf).items():
                    asked = (*view, episode.turns[turn].message, Message("user", QUESTION))
                    places.setdefault((episode.id, turn), (leaf, asked))
        said = self.score([asked for _, asked in places.values()], [WORDS] * len(places))
        source = f"the actor, version {self.version()}"
        return [
            Signal(id, NAME, turn, leaf, value=float(p[1]), text=WORDS[int(p.argmax())].lower(), source=source)
            for ((id, turn), (leaf, _)), p in zip(places.items(), said, strict=True)
        ]


def labels(signals: Sequence[Signal], episode: Episode, leaf: int) -> list[str]:
    """good, uncertain or bad for every act of a path; an act that nobody judged is uncertain."""
    found = {s.turn: s.text for s in signals if s.name == NAME and s.episode == episode.id}
    return [found.get(turn) or "uncertain" for turn in episode.path(leaf) if episode.turns[turn].seat == "agent"]


def shares(signals: Sequence[Signal]) -> dict[str, float]:
    """Share of each verdict; nothing where nobody judged."""
    said = [signal.text for signal in signals if signal.name == NAME]
    return {word.lower(): said.count(word.lower()) / len(said) for word in WORDS} if said else {}
