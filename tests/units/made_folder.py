"""What the tests of the run folder share."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from turnwise.core.run_folder import RunFolder
from turnwise.core.types import Episode, Leaf, Task, Turn


def episode(id: str = "e", turns: tuple[Turn, ...] = (), ends: tuple[Leaf, ...] = ()) -> Episode:
    return Episode(id, Task("a", "guess"), turns, ends)


def made(path: Path) -> RunFolder:
    return RunFolder.create(path / "run", {"lr": 0.1}, 3, ["turnwise", "train"], {"guess": "ab12"})


def run_and_die(tmp_path: Path, body: str) -> None:
    """Run a piece of code in a process that ends with os._exit(9)."""
    head = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from made_run import *
path = Path({str(tmp_path / "run")!r})
"""
    code = head + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
