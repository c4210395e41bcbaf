"""How much of the relevant evidence was gathered so far, after every turn (Video-MTR's overlap)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from turnwise.core.types import Episode, Signal
from turnwise.feedback.grounding import carried_out

OVERLAP, FORM = "iou", "form"


@dataclass(frozen=True)
class Evidence:
    """Feedback: of a turn, `iou`, the overlap of all acts so far with the relevant ones, and `form`, 1 where the world
    carried the act out; of a path, `iou` 0: nothing is in view before the first turn.

        iou = |gathered and relevant| / |gathered or relevant|

    Video-MTR overlaps what one turn selects. Where evidence stays, as answers do, what counts is what is there by now,
    so asking the same again never raises it, and a useless question lowers it.

    Args:
        relevant: acts that bring evidence, without white space around them.
        answers: acts that end the gathering, and are no evidence themselves.
        refusal: what the world's answer to a wrong move begins with.

    Source: arXiv 2508.20478, specs/credit/video-mtr-gated-bilevel.
    """

    relevant: frozenset[str]
    answers: frozenset[str] = frozenset()
    refusal: str = ""
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """Two signals per turn, one per path."""
        signals: dict[tuple[str, int | None, int, str], Signal] = {}
        for episode in episodes:
            done = carried_out(episode, self.refusal)
            for leaf in range(len(episode.ends)):
                start = Signal(episode.id, OVERLAP, None, leaf, value=0.0, source="evidence")
                signals[episode.id, None, leaf, OVERLAP] = start
                gathered: set[str] = set()
                for turn in (index for index in episode.path(leaf) if index in done):
                    act = episode.turns[turn].message.text.strip()
                    gathered |= {act} - self.answers
                    for name, value in ((OVERLAP, self.overlap(gathered)), (FORM, float(done[turn][1]))):
                        said = Signal(episode.id, name, turn, leaf, value=value, source="evidence")
                        signals.setdefault((episode.id, turn, 0, name), said)
        return list(signals.values())

    def overlap(self, gathered: set[str]) -> float:
        """Share of what was gathered or is relevant that is both."""
        return len(gathered & self.relevant) / len(gathered | self.relevant)
