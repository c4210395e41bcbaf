"""Did the world carry out what was said? Read off its answer, where a world tells a wrong move (SPA's grounding)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from turnwise.core.types import Episode, Signal

NAME = "executed"


def carried_out(episode: Episode, refusal: str, seat: str = "agent") -> dict[int, tuple[int, bool]]:
    """Index of each turn of a seat -> (a leaf whose path holds it, whether the world carried it out).

    Args:
        refusal: what the answer to a wrong move begins with; empty: the world knows no wrong moves.

    A last turn counts as carried out: what is said after it is the end.
    """
    found: dict[int, tuple[int, bool]] = {}
    for leaf in range(len(episode.ends)):
        turns = [index for index in episode.path(leaf) if episode.turns[index].seat == seat]
        for here, following in zip(turns, turns[1:], strict=False):
            answer = episode.turns[following].seen[-1].text
            found.setdefault(here, (leaf, not (refusal and answer.startswith(refusal))))
        if turns:
            found.setdefault(turns[-1], (leaf, True))
    return found


@dataclass(frozen=True)
class Grounding:
    """Feedback: the signal `executed` of a turn is 1 where the world carried it out, 0 where it refused.

    Args:
        refusal: what the world's answer to a wrong move begins with.

    Source: arXiv 2505.20732, specs/credit/spa-rl.
    """

    refusal: str
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn."""
        return [
            Signal(episode.id, NAME, turn, leaf, value=float(done), source="the world's answer")
            for episode in episodes
            for turn, (leaf, done) in carried_out(episode, self.refusal).items()
        ]
