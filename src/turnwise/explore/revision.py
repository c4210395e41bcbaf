"""Revisions, played: a world is reset, a bad beginning said again, a way back looked for, a good path gone on with
(specs/learn/agent_r).

Every revision is an episode that the world really answered. One whose answers are not those of the two paths it is made
of is no revision: where something cannot be taken back, nothing is learned from taking it back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from turnwise.core.chance import Chance, key_of
from turnwise.core.cursor import Cursor
from turnwise.core.errors import WrongPairing
from turnwise.core.types import Act, Episode, Message, Moment, Turn
from turnwise.worlds.base import World

Key = Callable[[str], Hashable]
"""From a text that was shown to what tells the place: equal where the same good path applies."""


@dataclass(frozen=True)
class Reviser:
    """Makes revisions in one world.

    Args:
        world: with the agent alone at the table.
        key: what of a text tells the place; counters left out.
        most: acts of a way back, at most.
        tries: in a world with draws, how often the way back and the good path are tried, each time with other luck.
    """

    world: World
    key: Key
    most: int = 4
    tries: int = 1

    def __post_init__(self) -> None:
        if self.world.seats != ("agent",):
            raise WrongPairing(
                f"revisions in {self.world.name}, where {', '.join(self.world.seats)} act",
                "a world in which the agent acts alone",
                "choose such a world: maze, loop-grid",
            )

    def revise(self, tree: Episode, bad: Sequence[Turn], good: Sequence[Turn], name: str) -> tuple[Episode, int] | None:
        """The episode, and how many acts its way back has; None where there is no way back, or the good path does not
        go as it went.

        Args:
            tree: whose task and draws are those of the paths.
            bad: the beginning, up to the first bad act.
            good: the good path from where the two part.
            name: the end of the episode's id.
        """
        for attempt in range(self.tries):
            cursor = self._again(tree, bad, attempt)
            if cursor is None:
                return None
            back = way_back(cursor, self.key(good[0].seen[-1].text), self.key, self.most)
            if back is None:
                return None
            for text in back:
                say(cursor, text)
            if self._goes_on(cursor, good):
                return cursor.episode(f"{tree.id}/{name}", {**tree.origin, "explorer": "revision"}), len(back)
        return None

    def _again(self, tree: Episode, bad: Sequence[Turn], attempt: int) -> Cursor | None:
        """The bad beginning with the draws that it had; None where the world does not answer to the letter."""
        script: dict[str, list] = {}
        for name, value in [*tree.origin.get("draws", ()), *(d for t in bad for d in t.facts.get("draws", ()))]:
            script.setdefault(name, []).append(value)
        chance = Chance(key_of(tree.id, "revision", attempt), script=script)
        cursor = Cursor(self.world.live(), tree.task, chance)
        cursor.begin()
        for turn in bad:
            if not cursor.open or cursor.seats["agent"].messages[-1].text != turn.seen[-1].text:
                return None
            say(cursor, turn.message.text)
        return cursor if cursor.open else None

    def _goes_on(self, cursor: Cursor, good: Sequence[Turn]) -> bool:
        """Say the good path; whether the place was what it had been before every act, and the world is over."""
        for turn in good:
            if not cursor.open or self.key(newest(cursor.moment)) != self.key(turn.seen[-1].text):
                return False
            say(cursor, turn.message.text)
        return not cursor.open and bool(cursor.moment and cursor.moment.facts.get("success", True))


def way_back(cursor: Cursor, wanted: Hashable, key: Key, most: int) -> list[str] | None:
    """The fewest legal acts to a place that looks as wanted, by breadth-first search over copies; None where at most
    `most` acts do not lead there.
    """
    assert cursor.moment is not None
    here = key(newest(cursor.moment))
    if here == wanted:
        return []
    waiting, seen = deque([(cursor.world, cursor.moment, list[str]())]), {here}
    while waiting:
        world, moment, path = waiting.popleft()
        for number, text in enumerate(moment.legal or ()) if len(path) < most else ():
            twin = world.fork(Chance(key_of("way back", *path, number)))
            after = twin.step({"agent": Message("assistant", text)})
            if after.end is not None or (place := key(newest(after))) in seen:
                continue
            if place == wanted:
                return [*path, text]
            seen.add(place)
            waiting.append((twin, after, [*path, text]))
    return None


def say(cursor: Cursor, text: str) -> None:
    """A given text, where somebody still listens."""
    if cursor.open:
        cursor.take({"agent": Act(Message("assistant", text))})


def newest(moment: Moment | None) -> str:
    """The last text shown to the agent, empty where there is none."""
    shown = moment.views.get("agent", ()) if moment else ()
    return shown[-1].text if shown else ""
