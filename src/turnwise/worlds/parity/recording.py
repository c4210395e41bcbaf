"""A file of recorded episodes (schema version 1) and the replayer that understands it.

file    = {schema_version, world, source, config, episodes: [episode]} and tables of the world
episode = {id, seed, config?, task?, reset_obs, steps: [{action, obs, reward, done, info}], return, ..}
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.registry import Registry
from turnwise.core.types import Message

Recording = Mapping[str, Any]
Difference = tuple[str, Any, Any]
"""(what was compared, expected as recorded, got from our world)."""


class Replayer(Protocol):
    """What there is to know about one family of recorded worlds."""

    def cursor(self, recording: Recording, episode: Mapping[str, Any]) -> Cursor:
        """Our world with the episode's settings and task, and a chance that holds its recorded draws."""
        ...

    def info(self, facts: Mapping[str, Any], history: Sequence[Message]) -> Mapping[str, Any]:
        """Our side of the step's `info`, under the same names, from the world's facts and what is then in view."""
        ...

    def tables(self, recording: Recording) -> Iterator[Difference]:
        """Every value of the file's tables (words, layouts, ..) beside ours, equal or not."""
        ...


@runtime_checkable
class StateReplayer(Protocol):
    """Of a recording that holds states instead of texts: it plays whole episodes itself."""

    def states(self, recording: Recording, episode: Mapping[str, Any]) -> Iterator[tuple[int, Difference]]:
        """(number of the step, what was compared) of an episode, all of it."""
        ...

    def tables(self, recording: Recording) -> Iterator[Difference]:
        """As `Replayer.tables`."""
        ...


REPLAYERS = Registry(
    "recorded world",
    {
        "lmrl_gym.car_dealer": "turnwise.worlds.parity.car_dealer:CarDealerReplayer",
        "lmrl_gym.guess_my_city_as_released": "turnwise.worlds.parity.guess_my_city:GuessMyCityReplayer",
        "lmrl_gym.maze_fully_observed": "turnwise.worlds.parity.maze:MazeReplayer",
        "lmrl_gym.maze_partially_observed": "turnwise.worlds.parity.maze:MazeReplayer",
        "lmrl_gym.twenty_questions": "turnwise.worlds.parity.twenty_questions:TwentyQuestionsReplayer",
        "lmrl_gym.wordle": "turnwise.worlds.parity.wordle:WordleReplayer",
        "social_deduction.grid": "turnwise.worlds.parity.social_deduction:SocialDeductionReplayer",
    },
)


def load(path: str | Path) -> Recording:
    """Read a `.json` or `.json.gz` file.

    Raises:
        TurnwiseError: not such a file, or of another schema version.
        UnknownName: a world that nothing here replays.
    """
    path, expected = Path(path), "a JSON file of recorded episodes, .json or .json.gz"
    if not path.is_file():
        raise TurnwiseError(f"no file {path}", expected)
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        recording = json.loads(raw)
    except (OSError, EOFError, ValueError) as error:
        raise TurnwiseError(f"{path} cannot be read: {error}", expected) from error
    fields = {"schema_version", "world", "config", "episodes"}
    if not isinstance(recording, dict) or not fields <= recording.keys():
        raise TurnwiseError(f"{path} is no recording", f"the fields {', '.join(sorted(fields))}")
    if recording["schema_version"] != 1:
        raise TurnwiseError(f"{path} has schema version {recording['schema_version']}", "version 1")
    if recording["world"] not in REPLAYERS:
        raise UnknownName("recorded world", recording["world"], REPLAYERS)
    return recording
