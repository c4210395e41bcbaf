"""A judge that sees subgoals being reached in single transitions, by what the texts say (CALM's detector)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Episode, Signal
from turnwise.feedback.transitions import Transition, transitions

KNOWN: Mapping[str, Mapping[str, str]] = {
    "key-corridor": {"key": "with the key", "door": "over: won"},
    "work-submit": {"first": "1 of 3 parts", "second": "2 of 3 parts", "third": "3 of 3 parts", "in": "over: won"},
}
"""World -> name of a subgoal -> words that are shown once it is reached: what a task taken apart would give."""


@dataclass(frozen=True)
class Subgoals:
    """Feedback: per subgoal a signal of its name at every turn, 1 where the turn reached it: the words were not shown
    before, and are after.

    Args:
        words: name of a subgoal -> the words that tell it.
        false_yes: probability that the judge says yes of a turn that did not reach it.
        false_no: probability that it says no of one that did.
        seed: of its mistakes, which are the same for the same turn whenever it is asked.

    Source: arXiv 2409.12798, specs/credit/calm; there a language model decomposes and judges.
    """

    words: Mapping[str, str]
    false_yes: float = 0.0
    false_no: float = 0.0
    seed: int = 0
    needs = frozenset[str]()
    gives = frozenset({"signals"})

    async def judge(self, episodes: Sequence[Episode]) -> list[Signal]:
        """One signal per turn and subgoal."""
        return [
            Signal(episode.id, name, step.turn, step.leaf, value=float(said), source="subgoals")
            for episode in episodes
            for step in transitions(episode)
            for name, said in zip(self.words, self._asked(episode, step), strict=True)
        ]

    def _asked(self, episode: Episode, step: Transition) -> list[bool]:
        """What the judge says of one turn, subgoal by subgoal; its mistakes are drawn anew for each."""
        truth = [reached(step, words) for words in self.words.values()]
        if not self.false_yes and not self.false_no:
            return truth
        draws = generator(self.seed, "subgoals", episode.id, step.turn).random(len(truth))
        return [
            draw >= self.false_no if true else draw < self.false_yes for true, draw in zip(truth, draws, strict=True)
        ]


def reached(step: Transition, words: str) -> bool:
    """Whether a turn made the words appear."""
    return words in step.after and words not in step.before


def words_of(world: str, text: str) -> dict[str, str]:
    """Subgoals as a setting writes them, `key: with the key; door: over: won`; empty: those known of the world.

    Raises:
        TurnwiseError: an entry without a name, or a world of which none are known.
    """
    if not text and world not in KNOWN:
        raise TurnwiseError(
            f"no subgoals of {world} are known", f"name: words; ...  or one of: {', '.join(KNOWN)}", "set subgoals"
        )
    if not text:
        return dict(KNOWN[world])
    found = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        name, colon, words = entry.partition(":")
        if not colon or not name.strip() or not words.strip():
            raise TurnwiseError(f"subgoal {entry!r}", "name: words, as in key: with the key", "separate them by ;")
        found[name.strip()] = words.strip()
    return found
