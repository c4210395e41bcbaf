"""Files that are whole or absent: written beside their place, synced, then renamed. And a lock for their one writer.

A reader never sees half a file, a killed process leaves at most a dot-file, a full disk leaves what was there before,
and the lock dies with its process.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from turnwise.core.errors import RunFolderError

PART = ".part"
"""Ending of what is being written: `.NAME.part` beside NAME."""

FULL = (errno.ENOSPC, errno.EDQUOT)


def part_of(path: Path) -> Path:
    """Where `path` lies while it is written: a dot-file, which globs and dataset readers skip."""
    return path.with_name(f".{path.name}{PART}")


def write_file(path: Path, data: bytes, run: Path) -> None:
    """Write a file whole: dot-file, fsync, rename, fsync of the folder.

    Args:
        path: final place; its folder is made where it is missing.
        data: all bytes of it.
        run: the run folder, named in the error text.

    Raises:
        RunFolderError: the disk is full or refuses; the dot-file is removed and `path` is as it was.
    """
    part = part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise cannot_write(path, run, error, len(data)) from error


def write_folder(path: Path, fill: Callable[[Path], None], run: Path) -> None:
    """Write a folder whole: `fill` gets the dot-folder to write into, then all is synced and the folder renamed.

    Raises:
        RunFolderError: the disk is full or refuses; the dot-folder is removed. Other errors of `fill` pass through.
    """
    part = part_of(path)
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        fill(part)
        for file in sorted(part.rglob("*")):
            if file.is_file():
                sync(file, os.O_RDWR)
            else:
                sync_folder(file)
        sync_folder(part)
        os.rename(part, path)
        sync_folder(path.parent)
    except Exception as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError) or "No space left" in str(
            error
        ):  # other writers wrap the system's error in their own
            raise cannot_write(path, run, error) from error
        raise


def append_line(path: Path, line: bytes, run: Path) -> None:
    """Add one line to a file and sync it. A torn line before it is closed first, so that it spoils no other.

    Raises:
        RunFolderError: the disk is full or refuses; the file has its old length again.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            try:
                written = file.write(line + b"\n")
                if written != len(line) + 1:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise
    except OSError as error:
        raise cannot_write(path, run, error, len(line)) from error


def sync(path: Path, how: int = os.O_RDONLY) -> None:
    """Ask the system to bring a file to the disk."""
    handle = os.open(path, how)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Make renames inside a folder last; Windows cannot open folders and does it by itself."""
    if os.name == "posix":
        sync(path)


def cannot_write(path: Path, run: Path, error: BaseException, size: int | None = None) -> RunFolderError:
    """The refusal of the system, said so that the reader can go on."""
    inside = path.relative_to(run) if path.is_relative_to(run) else path
    go_on = f"turnwise train --resume {run}"
    if getattr(error, "errno", None) in FULL or "No space left" in str(error):
        free = shutil.disk_usage(run).free if run.exists() else 0
        needed = "" if size is None else f"{mega(size)} needed, "
        return RunFolderError(
            f"the disk is full: {inside} was not written ({needed}{mega(free)} free)",
            "room for the next files; everything written before it is intact",
            f"free space, then `{go_on}`",
        )
    return RunFolderError(
        f"{inside} was not written: {error}",
        "a folder that may be written to",
        f"check the rights and the disk, then `{go_on}`",
    )


def mega(size: int) -> str:
    """Bytes as megabytes, for people."""
    return f"{size / 1e6:.1f} MB"


class Lock:
    """One writer per folder. The system drops it when its process ends, however it ends, so no lock is ever stale.

    Args:
        run: the run folder; the lock is its file `.lock`, which holds the writer's process number.

    Raises:
        RunFolderError: another process, or another object of this process, is writing.
    """

    def __init__(self, run: Path):
        run.mkdir(parents=True, exist_ok=True)
        handle = os.open(run / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        if not any(seize(handle, wait) for wait in (0, 0.02, 0.1)):  # somebody may only be asking, see is_locked
            holder = os.pread(handle, 64, 0).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise RunFolderError(
                f"{run} is being written by process {holder}",
                "one writer per run folder",
                "wait for it or end it; reading is possible meanwhile (RunFolder.open, turnwise report)",
            )
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self.release = weakref.finalize(self, os.close, handle)


def is_locked(run: Path) -> bool:
    """Whether somebody is writing into the folder now."""
    if os.name != "posix" or not (run / ".lock").exists():
        return False
    handle = os.open(run / ".lock", os.O_RDONLY)
    try:
        return not seize(handle)
    finally:
        os.close(handle)


def seize(handle: int, wait: float = 0) -> bool:
    """Take the lock of an open file after `wait` seconds, until the file is closed; False if somebody holds it."""
    import fcntl  # where the system has none (Windows), folders can be read but not written

    time.sleep(wait)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
