"""The newest success of every task, planted where a whole group failed: RAPO's replay (specs/learn/rapo).

    all members of a task failed, and its success is young enough:  one random member gives way to it

Such a group had no spread; afterwards exactly one of its episodes stands out. A success never grows younger by being
planted, so it is not copied for ever.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from turnwise.core.chance import generator
from turnwise.core.columns import to_bytes
from turnwise.core.errors import TurnwiseError
from turnwise.core.parquet import episodes_table, read_episodes
from turnwise.core.types import Episode


class LastSuccess:
    """One success per task.

    Args:
        age: rounds after the one it was played in during which a success is planted; 0: none ever is.
        seed: draws the members that give way.
    """

    def __init__(self, age: int, seed: int):
        if age < 0:
            raise TurnwiseError(f"age = {age}", "0 or more rounds", "0 plants nothing")
        self.age, self.seed, self.now = age, seed, 0
        self.held: dict[str, Episode] = {}  # task key -> its newest success
        self.played: dict[str, int] = {}  # task key -> the round of it
        self.planted: frozenset[int] = frozenset()  # numbers of those episodes that the last `plant` put there

    def plant(self, episodes: Sequence[Episode]) -> list[Episode]:
        """The round's episodes, in every group that failed as a whole one of them replaced."""
        found, at = list(episodes), set()
        rng = generator(self.seed, "plant", self.now)
        for key, members in failed_groups(episodes).items():
            if key in self.held and self.now - self.played[key] <= self.age:
                number = members[int(rng.integers(len(members)))]
                found[number] = self.held[key]
                at.add(number)
        self.planted = frozenset(at)
        return found

    def note(self, episodes: Sequence[Episode]) -> None:
        """The round is over: its own successes take the place of older ones. Takes what `plant` gave."""
        for number, episode in enumerate(episodes):
            if episode.success and self.age and number not in self.planted:
                self.held[episode.task.key], self.played[episode.task.key] = episode, self.now
        self.now += 1

    def save(self, directory: Path) -> None:
        """The episodes, as a run folder keeps them, and when they were played."""
        table = episodes_table(list(self.held.values()), "successes", 0)
        (directory / "successes.parquet").write_bytes(to_bytes(table))
        (directory / "successes.json").write_text(json.dumps({"now": self.now, "played": self.played}))

    def load(self, directory: Path) -> None:
        """What `save` wrote."""
        self.held = {e.task.key: e for e in read_episodes(str(directory / "successes.parquet"))}
        told = json.loads((directory / "successes.json").read_text())
        self.now, self.played = told["now"], told["played"]


def failed_groups(episodes: Sequence[Episode]) -> dict[str, list[int]]:
    """Task key -> numbers of its members, where none of them succeeded and two or more were scored as failures: with
    one alone there would be nobody left to compare with. A member that broke is on neither side.
    """
    marks: dict[str, list[tuple[int, bool]]] = {}
    for number, episode in enumerate(episodes):
        if episode.success is not None:
            marks.setdefault(episode.task.key, []).append((number, episode.success))
    return {
        key: [number for number, _ in members]
        for key, members in marks.items()
        if len(members) > 1 and not any(mark for _, mark in members)
    }
