"""The run folder: everything that a run leaves behind, readable without turnwise, whole at every moment.

    run.json                              format, versions, settings, seed, command, hashes of the worlds
    episodes/<stage>-<round>.parquet      one row per turn (turnwise.core.parquet)
    signals/<stage>-<round>-<n>.parquet   feedback beside it (turnwise.core.beside)
    credit/<stage>-<round>-<n>.parquet    credit beside it
    metrics.jsonl                         one JSON object per line
    checkpoints/<stage>-<round>/          whatever the writer puts there, and checkpoint.json
    damaged/                              what was set aside when a run was continued, and why.txt

A round is written in the order episodes, signals, credit, metrics, checkpoint. The checkpoint seals what stands before
it: a run is continued from the moment of its last checkpoint, and what came later is set aside and made again, to the
same bytes. Therefore no clock time stands in episodes, signals, credit or checkpoints; measured seconds belong in
metrics.jsonl.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from turnwise.core.beside import credit_table, read_credit, read_signals, signals_table
from turnwise.core.columns import read_table, to_bytes
from turnwise.core.durable import Lock, append_line, write_file, write_folder
from turnwise.core.errors import RunFolderError
from turnwise.core.jsontext import to_json
from turnwise.core.parquet import episodes_table, read_episodes
from turnwise.core.repair import find_damage, put_back
from turnwise.core.run_files import (
    Checkpoint,
    describe,
    name_of,
    read_info,
    read_metrics,
    room_files,
    whole_checkpoints,
    write_seal,
)
from turnwise.core.types import CreditTable, Episode, Signal


class RunFolder:
    """A run on disk. `create` and `resume` become its one writer; `open` only reads, also while another process writes.

    Attributes:
        path: the folder.
        info: run.json.
        found: what is not as it should be, a sentence each; after `resume`, also what was set aside.
    """

    def __init__(self, path: Path, info: dict[str, Any], found: Iterable[str] = ()):
        self.path, self.info, self.found = path, info, list(found)
        self._lock: Lock | None = None

    @classmethod
    def create(
        cls,
        dir: str | Path,
        settings: Mapping[str, Any],
        seed: int,
        command: Sequence[str],
        worlds: Mapping[str, str],
    ) -> RunFolder:
        """Start a run in a folder that is new or empty.

        Args:
            dir: the folder.
            settings: every setting as resolved, JSON values.
            seed: of the run.
            command: the words of the command line that started it.
            worlds: name of each world -> hash of its code and data.

        Raises:
            RunFolderError: the folder holds something already, another process writes it, or the disk refuses.
        """
        path = Path(dir)
        if (path / "run.json").exists():
            raise RunFolderError(
                f"{path} holds a run already",
                "a new folder",
                f"turnwise train --resume {path}, or another --out",
            )
        if path.exists() and any(not p.name.startswith(".") for p in path.iterdir()):
            raise RunFolderError(
                f"{path} is not empty and holds no run.json",
                "a new or empty folder",
                "name another folder with --out",
            )
        info = describe(settings, seed, command, worlds)
        text = to_json(info, "run.json", indent=2)
        folder = cls(path, json.loads(text)).lock()
        write_file(path / "run.json", text.encode() + b"\n", path)
        return folder

    @classmethod
    def open(cls, dir: str | Path) -> RunFolder:
        """Read a run; nothing on disk is changed. `found` says what is damaged.

        Raises:
            RunFolderError: no run is there, run.json is malformed, or a newer turnwise wrote it.
        """
        path = Path(dir)
        info = read_info(path)
        return cls(path, info, [f"{damage.where(path)}: {damage.why}" for damage in find_damage(path)])

    @classmethod
    def resume(cls, dir: str | Path) -> RunFolder:
        """Go on writing a run: put the folder back to the moment of its last whole checkpoint.

        Nothing is deleted: damaged files and what came after that moment are moved into `damaged/`, and `found` has a
        sentence for each.

        Raises:
            RunFolderError: as `open`, or another process is writing the folder.
        """
        path = Path(dir)
        folder = cls(path, read_info(path)).lock()
        folder.found = put_back(path)
        return folder

    def lock(self) -> RunFolder:
        """Become the one writer of the folder, leaving it as it is (a person adds ratings to a finished run)."""
        self._lock = self._lock or Lock(self.path)
        return self

    def close(self) -> None:
        """Stop being its writer. The end of the process does the same."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def append(self, episodes: Sequence[Episode], stage: str, round: int) -> Path:
        """Write the episodes of one round. The same episodes give the same bytes; to write those again is fine.

        Raises:
            RunFolderError: other episodes stand there, or the disk refuses.
            TurnwiseError: two episodes share an id, or hold what cannot be stored.
        """
        return self._put("episodes", name_of(stage, round), episodes_table(episodes, stage, round))

    def episodes(self, stage: str | None = None, rounds: Iterable[int] | None = None) -> Iterator[Episode]:
        """The episodes of a stage (or all, stages by name), rounds in order, exactly as they were appended.

        Raises:
            RunFolderError: a file cannot be read.
        """
        for path in self._files("episodes", stage, rounds):
            try:
                yield from read_episodes(str(path))
            except (OSError, pa.ArrowException) as error:
                raise unreadable(path, self.path, error) from error

    def append_signals(self, signals: Sequence[Signal], stage: str, round: int) -> Path:
        """Lay feedback beside a round; each call is a batch of its own, the same batch again is fine."""
        return self._put_batch("signals", name_of(stage, round), signals_table(signals, stage, round))

    def signals(self, stage: str | None = None, rounds: Iterable[int] | None = None) -> Iterator[Signal]:
        """The feedback of a stage (or of all), batch by batch."""
        for path in self._files("signals", stage, rounds):
            yield from read_signals(self._read(path))

    def append_credit(self, episodes: Sequence[Episode], credit: CreditTable, stage: str, round: int) -> Path:
        """Lay one rule's credit beside the episodes of a round that it was computed for.

        Raises:
            TurnwiseError: the credit does not fit these episodes.
        """
        return self._put_batch("credit", name_of(stage, round), credit_table(episodes, credit, stage, round))

    def credit(self, stage: str, round: int) -> dict[str, tuple[list[str], CreditTable]]:
        """The credit of a round, by rule: ids of the episodes, and the table aligned with them."""
        tables = [read_credit(self._read(path)) for path in self._files("credit", stage, [round])]
        return {table.name: (ids, table) for ids, table in tables}

    def metric(self, record: Mapping[str, Any]) -> None:
        """Add a line to metrics.jsonl, on the disk when this returns. NaN is written as null.

        Args:
            record: JSON values; `stage` and `round` name the round that it belongs to.
        """
        self._must_write()
        append_line(self.path / "metrics.jsonl", to_json(record, "a line of metrics.jsonl").encode(), self.path)

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl that are whole; `found` tells of others."""
        return read_metrics(self.path)[0]

    def checkpoint(self, stage: str, round: int, fill: Callable[[Path], None]) -> Path:
        """Seal the run as it stands. `fill` gets a folder to write weights, optimiser and chance state into.

        Raises:
            RunFolderError: there is such a checkpoint already, or the disk refuses; earlier ones are intact.
        """
        self._must_write()
        path = self.path / "checkpoints" / name_of(stage, round)
        if path.exists():
            raise RunFolderError(f"{path} exists already", "one checkpoint per stage and round", "count the rounds on")
        played = {name: max(numbers) for name, numbers in self.stages().items()}
        last = max(self.checkpoints(), default=Checkpoint(-1, stage, round, path, {}, {}))
        seal = Checkpoint(last.number + 1, stage, round, path, played, {**last.ended, stage: round})

        def fill_and_seal(part: Path) -> None:
            fill(part)
            write_seal(part, seal)

        write_folder(path, fill_and_seal, self.path)
        return path

    def checkpoints(self) -> list[Checkpoint]:
        """The whole checkpoints, oldest first."""
        return whole_checkpoints(self.path)

    def prune_checkpoints(self, keep: int) -> None:
        """Remove all but the last `keep` whole checkpoints: a run goes on from the last one."""
        self._must_write()
        for seal in self.checkpoints()[:-keep]:
            shutil.rmtree(seal.path)

    def latest_checkpoint(self) -> Path | None:
        """The folder of the last whole checkpoint, None before the first."""
        return next((seal.path for seal in reversed(self.checkpoints())), None)

    def stages(self) -> dict[str, list[int]]:
        """The stages, by name, and the rounds of which there are episodes."""
        found: dict[str, list[int]] = {}
        for _, stage, round in room_files(self.path, ("episodes",)):
            found.setdefault(stage, []).append(round)
        return found

    def _files(self, room: str, stage: str | None, rounds: Iterable[int] | None) -> list[Path]:
        wanted = None if rounds is None else set(rounds)
        return [
            p for p, s, r in room_files(self.path, (room,)) if stage in (None, s) and (wanted is None or r in wanted)
        ]

    def _read(self, path: Path) -> pa.Table:
        try:
            return read_table(str(path))
        except (OSError, pa.ArrowException) as error:
            raise unreadable(path, self.path, error) from error

    def _put(self, room: str, name: str, table: pa.Table) -> Path:
        self._must_write()
        path, data = self.path / room / f"{name}.parquet", to_bytes(table)
        if not path.exists():
            write_file(path, data, self.path)
        elif path.read_bytes() != data:
            raise RunFolderError(
                f"{room}/{path.name} exists and holds something else",
                "a round is written once (the same content again is fine)",
                f"turnwise train --resume {self.path}, which sets unfinished rounds aside, or another --out",
            )
        return path

    def _put_batch(self, room: str, name: str, table: pa.Table) -> Path:
        self._must_write()
        data = to_bytes(table)
        paths = (self.path / room / f"{name}-{number:03d}.parquet" for number in count())
        path = next(p for p in paths if not p.exists() or p.read_bytes() == data)
        if not path.exists():
            write_file(path, data, self.path)
        return path

    def _must_write(self) -> None:
        if self._lock is None:
            raise RunFolderError(
                f"{self.path} was opened for reading", "RunFolder.resume, or RunFolder.open(dir).lock()"
            )


def unreadable(path: Path, run: Path, error: Exception) -> RunFolderError:
    """A file that is not Parquet any more."""
    return RunFolderError(
        f"{path.relative_to(run)} cannot be read: {error}",
        "a whole Parquet file",
        f"turnwise train --resume {run} sets it aside; the other files can be read",
    )
