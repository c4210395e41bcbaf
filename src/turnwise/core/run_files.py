"""The small files of a run folder (run.json, metrics.jsonl, checkpoint.json) and the names of the large ones."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from turnwise.core.errors import RunFolderError
from turnwise.core.jsontext import to_json

FORMAT = 1
"""Number of the layout in `turnwise.core.run_folder`; a reader refuses a larger one."""

ROOMS = ("episodes", "signals", "credit")
PACKAGES = ("turnwise", "numpy", "pyarrow", "torch", "transformers")
STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
ROUND_FILE = re.compile(r"(?P<stage>[A-Za-z0-9][A-Za-z0-9_-]*?)-(?P<round>\d{6})(-\d{3})?\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class Checkpoint:
    """A sealed moment of the run."""

    number: int  # the how-manieth of the run, counted from 0
    stage: str
    round: int
    path: Path
    rounds: Mapping[str, int]  # the last round of each stage that had episodes when it was written
    ended: Mapping[str, int]  # the last round of each stage that had a checkpoint, this one included

    def covers(self, stage: str, round: int) -> bool:
        """Whether that round's files stood when the checkpoint was written."""
        return round <= self.rounds.get(stage, -1)


def describe(
    settings: Mapping[str, Any], seed: int, command: Sequence[str], worlds: Mapping[str, str]
) -> dict[str, Any]:
    """What run.json says: all that makes the run again."""
    packages = {name: found for name in PACKAGES if (found := installed(name))}
    return {
        "format": FORMAT,
        "command": list(command),
        "seed": seed,
        "settings": dict(settings),
        "worlds": dict(worlds),
        "versions": {"python": platform.python_version()} | packages,
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
    }


def read_info(path: Path) -> dict[str, Any]:
    """run.json, checked.

    Raises:
        RunFolderError: see RunFolder.open.
    """
    try:
        info = json.loads((path / "run.json").read_text())
    except FileNotFoundError:
        raise RunFolderError(
            f"no run.json in {path}", "a folder that turnwise train wrote (--out)", "check the path"
        ) from None
    except (ValueError, OSError) as error:
        raise RunFolderError(
            f"run.json in {path} cannot be read: {error}",
            "JSON",
            "restore it from a copy; episodes/ can be read without",
        ) from None
    number = info.get("format") if isinstance(info, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise RunFolderError(
            f"run.json in {path} has format {number!r}", "a whole number", "restore run.json from a copy"
        )
    if number > FORMAT:
        writer = info.get("versions", {}).get("turnwise", "a newer one")
        raise RunFolderError(
            f"{path} has run folder format {number}, written by turnwise {writer}",
            f"format {FORMAT} or older, which turnwise {installed('turnwise')} reads",
            f"upgrade turnwise to {writer}; episodes/*.parquet can be read without turnwise meanwhile",
        )
    return info


def write_seal(folder: Path, seal: Checkpoint) -> None:
    """checkpoint.json: what it seals, and the sizes of the checkpoint's own files."""
    sizes = {str(f.relative_to(folder)): f.stat().st_size for f in sorted(folder.rglob("*")) if f.is_file()}
    fields = {name: getattr(seal, name) for name in ("number", "stage", "round", "rounds", "ended")}
    (folder / "checkpoint.json").write_text(to_json(fields | {"files": sizes}, "checkpoint.json", indent=2) + "\n")


def read_seal(folder: Path) -> Checkpoint | str:
    """A checkpoint, or what is wrong with it."""
    try:
        seal = json.loads((folder / "checkpoint.json").read_text())
        for name, size in seal.pop("files").items():
            if not (folder / name).is_file() or (folder / name).stat().st_size != size:
                return f"the file {name} is missing or cut off"
        return Checkpoint(path=folder, **seal)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return f"checkpoint.json cannot be read: {error}"


def checkpoint_folders(run: Path) -> list[Path]:
    """The checkpoints that were renamed into place, by name."""
    return sorted(path for path in (run / "checkpoints").glob("*") if not path.name.startswith("."))


def whole_checkpoints(run: Path) -> list[Checkpoint]:
    """Those that are not damaged, oldest first."""
    return sorted(seal for path in checkpoint_folders(run) if isinstance(seal := read_seal(path), Checkpoint))


def read_metrics(path: Path) -> tuple[list[dict[str, Any]], list[tuple[int, bool]]]:
    """The whole lines of metrics.jsonl; of the others the line number, from 1, and whether it is a torn last line."""
    try:
        lines = (path / "metrics.jsonl").read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], []
    whole, bad = [], []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line) if line.strip() else None
        except ValueError:
            record = b""
        if isinstance(record, dict):
            whole.append(record)
        elif record is not None:
            bad.append((number, number == len(lines)))
    return whole, bad


def name_of(stage: str, round: int) -> str:
    """`<stage>-<round>` with six digits.

    Raises:
        RunFolderError: a stage that cannot be part of a file name, or a round outside 0..999999.
    """
    if not STAGE.fullmatch(stage) or not 0 <= round <= 999_999:
        raise RunFolderError(
            f"stage {stage!r}, round {round!r}",
            "a stage of letters, digits, - and _, a round from 0 to 999999",
        )
    return f"{stage}-{round:06d}"


def room_files(run: Path, rooms: Sequence[str] = ROOMS) -> list[tuple[Path, str, int]]:
    """The files of the rooms that hold rounds, by name, each with its stage and round; other files are left out."""
    files = (path for room in rooms for path in sorted((run / room).glob("*.parquet")))
    return [(path, match["stage"], int(match["round"])) for path in files if (match := ROUND_FILE.fullmatch(path.name))]


def installed(name: str) -> str | None:
    """The version of a package, without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
