"""Playing a recording again: every text, reward, end and note, and every value of its tables, compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message
from turnwise.worlds.parity.recording import REPLAYERS, Difference, Recording, Replayer, StateReplayer, load

MISSING = "(nothing)"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One value that came out differently."""

    episode: str  # id of the recorded episode; empty for a table of the file
    turn: int | None  # 0 for the first action; None for the start of the episode, or a table
    field: str  # obs, reward, done, over, error, or a name of the step's info or of the table
    expected: Any  # as recorded
    got: Any  # from our world

    def __str__(self) -> str:
        where = f"{self.episode} turn {self.turn}" if self.turn is not None else self.episode or "table"
        return f"{where}: {self.field}: expected {self.expected!r}, got {self.got!r}"


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a file."""

    world: str  # as the recording names it
    episodes: int
    steps: int  # played in our world
    compared: int  # values compared, tables included
    mismatches: tuple[Mismatch, ...]


class Tally:
    """Counts comparisons and keeps those that failed."""

    def __init__(self) -> None:
        self.steps = self.compared = 0
        self.mismatches: list[Mismatch] = []

    def check(self, episode: str, turn: int | None, differences: Iterator[Difference]) -> None:
        """Compare pairs of values; numbers to 1e-9."""
        for field, expected, got in differences:
            self.compared += 1
            if not same(expected, got):
                self.mismatches.append(Mismatch(episode, turn, field, expected, got))


def same(expected: Any, got: Any) -> bool:
    """Equal as JSON values, numbers to 1e-9; a truth value is no number."""
    numbers = [isinstance(v, int | float) and not isinstance(v, bool) for v in (expected, got)]
    if all(numbers):
        return math.isclose(expected, got, rel_tol=0.0, abs_tol=1e-9)
    return type(expected) is type(got) and expected == got


def replay(file: str | Path | Recording) -> Replay:
    """Play a recorded file, or one already loaded, in our world.

    Raises:
        TurnwiseError: the file cannot be read, or nothing here replays its world.
    """
    recording = file if isinstance(file, Mapping) else load(file)
    replayer: Replayer | StateReplayer = REPLAYERS.get(recording["world"])()
    tally = Tally()
    tally.check("", None, replayer.tables(recording))
    for episode in recording["episodes"]:
        if isinstance(replayer, StateReplayer):
            _follow(replayer, recording, episode, tally)
        else:
            _play(replayer, recording, episode, tally)
    return Replay(recording["world"], len(recording["episodes"]), tally.steps, tally.compared, tuple(tally.mismatches))


def _follow(replayer: StateReplayer, recording: Recording, episode: Mapping[str, Any], tally: Tally) -> None:
    """The states of an episode, up to the first step that differs: what comes after it follows from another game."""
    last = -1
    for step, difference in replayer.states(recording, episode):
        if step != last and tally.mismatches and tally.mismatches[-1].episode == episode["id"]:
            return
        tally.steps, last = tally.steps + (step != last), step
        tally.check(episode["id"], step, iter([difference]))


def _play(replayer: Replayer, recording: Recording, episode: Mapping[str, Any], tally: Tally) -> None:
    id = episode["id"]
    try:
        cursor = replayer.cursor(recording, episode)
    except KeyError as error:
        expected = "the fields of its world's recordings"
        raise TurnwiseError(f"episode {id} lacks or misspells {error}", expected) from error
    cursor.begin()
    tally.check(id, None, _start(cursor, episode))
    for turn, step in enumerate(episode["steps"]):
        if not cursor.open:
            tally.check(id, turn, iter([("over", False, True)]))
            return
        cursor.take({"agent": Act(Message("assistant", step["action"]))})
        tally.steps += 1
        tally.check(id, turn, _step(replayer, cursor, step))
    tally.check(id, len(episode["steps"]) - 1, _end(cursor, episode))


def _start(cursor: Cursor, episode: Mapping[str, Any]) -> Iterator[Difference]:
    yield "error", None, _error(cursor)
    yield "obs", episode["reset_obs"], _newest(cursor)


def _step(replayer: Replayer, cursor: Cursor, step: Mapping[str, Any]) -> Iterator[Difference]:
    yield "error", None, _error(cursor)
    if cursor.moment is None or _error(cursor):
        return
    yield "obs", step["obs"], _newest(cursor)
    yield "reward", step["reward"], cursor.tree.turns[-1].rewards.get("agent", MISSING)
    yield "done", step["done"], not cursor.open
    ours = replayer.info(cursor.moment.facts, cursor.seats["agent"].messages)
    for name, expected in step["info"].items():
        yield name, expected, ours.get(name, MISSING)


def _end(cursor: Cursor, episode: Mapping[str, Any]) -> Iterator[Difference]:
    yield "over", True, not cursor.open
    for name in ("success", "won"):
        if name in episode and cursor.moment is not None:
            yield name, episode[name], cursor.moment.facts.get("success", MISSING)


def _newest(cursor: Cursor) -> str:
    messages = cursor.seats["agent"].messages
    return messages[-1].text if messages else MISSING


def _error(cursor: Cursor) -> str | None:
    return cursor.tree.ends[-1].error if cursor.tree.ends else None
