"""A step critic of the kind that is easy to write and easy to please: it praises acts, not what they lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Signal
from turnwise.feedback.grounding import carried_out

NAME = "step"
ANY = "*"
"""Stands for every act that the world carries out and that has no score of its own: praise for good form."""


@dataclass(frozen=True)
class Praise:
    """Feedback: the signal `step` of a turn is the score of what was said; 0 for anything else, and for refused acts.

    Aligned with the task where only useful acts are praised; where a useless one is (`fluff`), it is the hack that
    gated accumulation is to survive.

    Args:
        scores: text of an act, without white space around it -> what it is worth; `*` stands for any other.
        refusal: what the world's answer to a wrong move begins with.

    Source: specs/credit/gated-reward-accumulation, "Shows that it works".
    """

    scores: Mapping[str, float]
    refusal: str = ""
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn, after the episode has ended."""
        return [
            Signal(
                episode.id,
                NAME,
                turn,
                leaf,
                value=self.worth(episode.turns[turn].message.text) if done else 0.0,
                source="praise",
            )
            for episode in episodes
            for turn, (leaf, done) in carried_out(episode, self.refusal).items()
        ]

    def worth(self, text: str) -> float:
        """The score of an act that was carried out."""
        return self.scores.get(text.strip(), self.scores.get(ANY, 0.0))


def scores_of(text: str) -> dict[str, float]:
    """Scores as a setting writes them: `work=0.1, fluff=0.3`, `*=0.1`.

    Raises:
        TurnwiseError: an entry that is not `act=number`.
    """
    found = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        act, sign, number = entry.rpartition("=")
        try:
            found[act.strip()] = float(number)
        except ValueError:
            sign = ""
        if not sign or not act.strip():
            raise TurnwiseError(f"praise {entry!r}", "act=number, as in work=0.1,fluff=0.3", "* stands for any act")
    return found
