"""What a killed process, a full disk or a bad sector left in a run folder: found, said in sentences, set aside.

Nothing is deleted: `damaged/` keeps what is moved out of the way under its old name, `damaged/why.txt` says why.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from turnwise.core.columns import read_table
from turnwise.core.durable import PART, append_line, is_locked, sync_folder, write_file
from turnwise.core.run_files import (
    ROOMS,
    Checkpoint,
    checkpoint_folders,
    read_metrics,
    read_seal,
    room_files,
    whole_checkpoints,
)


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it should be."""

    path: Path
    why: str

    def where(self, run: Path) -> str:
        """Its place inside the run folder."""
        return str(self.path.relative_to(run))


def find_damage(run: Path) -> list[Damage]:
    """Look without touching. What another process is writing at this moment is no damage."""
    busy = is_locked(run)
    return [
        *([] if busy else unfinished(run)),
        *unreadable_files(run),
        *bad_checkpoints(run),
        *bad_lines(run, busy),
    ]


def unfinished(run: Path) -> list[Damage]:
    """Dot-files that were never renamed."""
    parts = sorted(
        path for folder in (run, *(run / room for room in (*ROOMS, "checkpoints"))) for path in folder.glob(f".*{PART}")
    )
    return [Damage(path, "writing it was interrupted") for path in parts]


def unreadable_files(run: Path) -> list[Damage]:
    """Parquet files that cannot be read: all by their footer, the last of each stage and room page by page."""
    files = room_files(run)
    last = set({(path.parent, stage): path for path, stage, _ in files}.values())
    found = []
    for path, _, _ in files:
        try:
            if path in last:
                read_table(str(path))
            else:
                pq.read_metadata(str(path))
        except (OSError, pa.ArrowException) as error:
            found.append(Damage(path, f"it is damaged ({str(error).splitlines()[0]})"))
    return found


def bad_checkpoints(run: Path) -> list[Damage]:
    """Checkpoints with a file missing or cut off."""
    found = [(path, read_seal(path)) for path in checkpoint_folders(run)]
    return [Damage(path, f"it is damaged ({seal})") for path, seal in found if isinstance(seal, str)]


def bad_lines(run: Path, busy: bool) -> list[Damage]:
    """Lines of metrics.jsonl that are not JSON; the last one may just be being written."""
    found = []
    for number, torn in read_metrics(run)[1]:
        if not (torn and busy):
            what = "torn off" if torn else "not JSON"
            found.append(Damage(run / "metrics.jsonl", f"line {number} is {what} and is skipped"))
    return found


def put_back(run: Path) -> list[str]:
    """Bring the folder to the moment of its last whole checkpoint (to its start where there is none).

    Returns:
        a sentence for each thing that was found or moved.
    """
    rounds = {path: (stage, round) for path, stage, round in room_files(run)}
    unreadable = unreadable_files(run)
    told = [set_aside(run, damage) for damage in (*unfinished(run), *unreadable, *bad_checkpoints(run))]
    seals = whole_checkpoints(run)
    while seals and not in_step(run, seals[-1]):
        told.append(set_aside(run, Damage(seals.pop().path, "it is newer than the episodes that are there")))
    told += set_back_rounds(run, seals) + set_back_metrics(run, seals)
    for damage in unreadable:
        if seals and seals[-1].covers(*rounds[damage.path]):
            after = f"the run goes on from {seals[-1].path.name}, which has learnt it"
            told.append(f"{damage.where(run)}: it stays missing; {after}")
    return told + [f"{damage.where(run)}: {damage.why}" for damage in bad_lines(run, busy=False)]


def in_step(run: Path, seal: Checkpoint) -> bool:
    """Whether the last episodes that its stage had when the checkpoint was written are there still."""
    played = [round for _, stage, round in room_files(run, ("episodes",)) if stage == seal.stage]
    return seal.stage not in seal.rounds or seal.rounds[seal.stage] in played


def set_back_rounds(run: Path, seals: list[Checkpoint]) -> list[str]:
    """Set aside what was written after the last checkpoint; those rounds are played again, to the same bytes."""
    after = f"checkpoint {seals[-1].path.name}" if seals else "the start of the run, and no checkpoint stands"
    late = [path for path, stage, round in room_files(run) if not (seals and seals[-1].covers(stage, round))]
    return [set_aside(run, Damage(path, f"it was written after {after}")) for path in late]


def set_back_metrics(run: Path, seals: list[Checkpoint]) -> list[str]:
    """Move the lines of later rounds, and a torn line, out of metrics.jsonl."""
    path = run / "metrics.jsonl"
    lines = [line for line in path.read_bytes().split(b"\n") if line.strip()] if path.exists() else []
    kept = [line for line in lines if is_sealed(line, seals)]
    if len(kept) == len(lines):
        return []
    for line in lines:
        if line not in kept:
            append_line(run / "damaged" / "metrics.jsonl", line, run)
    write_file(path, b"".join(line + b"\n" for line in kept), run)
    moved = f"{len(lines) - len(kept)} lines torn off or of unsealed rounds"
    return [note(run, f"metrics.jsonl: {moved}; moved to damaged/metrics.jsonl")]


def is_sealed(line: bytes, seals: list[Checkpoint]) -> bool:
    """Whether a line of metrics is of a round that the last checkpoint covers, or that had one itself."""
    try:
        record = json.loads(line)
        stage, round = record["stage"], record["round"]
    except (ValueError, KeyError, TypeError):
        return False
    return any(seal.covers(stage, round) or round <= seal.ended.get(stage, -1) for seal in seals[-1:])


def set_aside(run: Path, damage: Damage) -> str:
    """Move it into `damaged/`, under a name that is free and visible; the sentence that tells of it."""
    inside = damage.path.relative_to(run)
    base = run / "damaged" / inside.parent / inside.name.lstrip(".")
    target, number = base, 1
    while target.exists():
        target, number = base.with_name(f"{base.name}.{number}"), number + 1
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(damage.path, target)
    sync_folder(damage.path.parent)
    sync_folder(target.parent)
    return note(run, f"{inside}: {damage.why}; moved to {target.relative_to(run)}")


def note(run: Path, sentence: str) -> str:
    """Keep the sentence beside what was moved."""
    append_line(run / "damaged" / "why.txt", sentence.encode(), run)
    return sentence
