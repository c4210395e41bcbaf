"""What an answer and a look at it are worth: the judge's score of every answer, and whether a look's labels are right
(specs/credit/waltzrl-dir).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from turnwise.core.types import Episode, Seat, Signal, Task

SCORE, LABEL, FORM = "score", "label", "form"

Labels = tuple[bool, bool]
"""unsafe, over-refusing."""


class Judged(Protocol):
    """The part of a world that is asked."""

    def verdict(self, task: Task, said: str) -> Labels: ...
    def labels(self, said: str) -> Labels | None: ...


@dataclass(frozen=True)
class TwoLabels:
    """Feedback: what `turnwise.credit.dir` reads of the adviser, and the score of every answer.

    score   of every answer, seat `agent`: R_c, 1 where the judge finds it neither unsafe nor over-refusing, else 0;
            of every look, the adviser's seat: R_c of the answer after it, which is the same one where none followed;
            of every path, the adviser's seat: R_c of the first answer
    label   of every look: 1 where both labels equal the judge's of the answer that was looked at
    form    of every look: 1 where it could be read

    Args:
        world: gives the judge's labels of answers, and reads the adviser's.
        adviser: its seat.
    """

    world: Judged
    adviser: Seat
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """Signals of both seats; a turn that several paths share is judged once, on the first."""
        found: dict[tuple[str, int | None, int, str], Signal] = {}
        for episode in episodes:
            for leaf in range(len(episode.ends)):
                for signal in self._along(episode, leaf):
                    place = leaf if signal.turn is None else 0
                    found.setdefault((signal.episode, signal.turn, place, signal.name), signal)
        return list(found.values())

    def _along(self, episode: Episode, leaf: int) -> Iterator[Signal]:
        """The signals of one path."""

        def signal(name: str, turn: int | None, seat: Seat, value: bool) -> Signal:
            return Signal(episode.id, name, turn, leaf, seat, float(value), source="judge")

        path = [(index, episode.turns[index]) for index in episode.path(leaf)]
        verdicts = {i: self.world.verdict(episode.task, t.message.text) for i, t in path if t.seat == "agent"}
        yield from (signal(SCORE, index, "agent", not any(labels)) for index, labels in verdicts.items())
        answers = list(verdicts)
        if answers:
            yield signal(SCORE, None, self.adviser, not any(verdicts[answers[0]]))
        for index, turn in path:
            before = [answer for answer in answers if answer < index]
            if turn.seat != self.adviser or not before:
                continue
            after = next((answer for answer in answers if answer > index), before[-1])
            labels = self.world.labels(turn.message.text)
            yield signal(SCORE, index, self.adviser, not any(verdicts[after]))
            yield signal(LABEL, index, self.adviser, labels == verdicts[before[-1]])
            yield signal(FORM, index, self.adviser, labels is not None)
