"""The run folder: opened by one writer, written once, refused where it cannot be understood."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from made_folder import episode, made, run_and_die

from turnwise.core.errors import RunFolderError
from turnwise.core.run_folder import RunFolder

# --- opening


def test_run_json_says_how_to_make_the_run_again(tmp_path: Path) -> None:
    made(tmp_path).close()
    info = RunFolder.open(tmp_path / "run").info
    assert (info["seed"], info["settings"], info["worlds"], info["command"]) == (
        3,
        {"lr": 0.1},
        {"guess": "ab12"},
        ["turnwise", "train"],
    )
    assert {"turnwise", "python", "numpy", "pyarrow"} <= set(info["versions"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"format": 2, "versions": {"turnwise": "9.1"}}', "written by turnwise 9.1"),
        ('{"format": "one"}', "format 'one'"),
        ("[]", "format None"),
        ('{"format": 1', "cannot be read"),
    ],
)
def test_what_cannot_be_understood_is_refused(tmp_path: Path, text: str, says: str) -> None:
    made(tmp_path).close()
    (tmp_path / "run" / "run.json").write_text(text)
    with pytest.raises(RunFolderError, match=says) as error:
        RunFolder.open(tmp_path / "run")
    assert error.value.next_move


def test_a_folder_is_not_written_over(tmp_path: Path) -> None:
    made(tmp_path).close()
    with pytest.raises(RunFolderError, match="holds a run already"):
        made(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(RunFolderError, match="not empty"):
        RunFolder.create(tmp_path / "mine", {}, 0, [], {})
    with pytest.raises(RunFolderError, match="no run.json"):
        RunFolder.open(tmp_path)


def test_a_round_is_written_once(tmp_path: Path) -> None:
    with made(tmp_path) as folder:
        folder.append([episode("e")], "improve", 0)
        folder.append([episode("e")], "improve", 0)
        with pytest.raises(RunFolderError, match="holds something else"):
            folder.append([episode("f")], "improve", 0)
        assert [e.id for e in folder.episodes()] == ["e"]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    folder = made(tmp_path)
    with pytest.raises(RunFolderError, match=f"being written by process {os.getpid()}"):
        RunFolder.resume(folder.path)
    reader = RunFolder.open(folder.path)
    with pytest.raises(RunFolderError, match="opened for reading"):
        reader.append([], "improve", 0)
    folder.close()
    RunFolder.resume(folder.path).close()


def test_a_dead_writer_leaves_no_lock(tmp_path: Path) -> None:
    run_and_die(tmp_path, "RunFolder.create(path, {}, 0, [], {}); os._exit(9)")
    RunFolder.resume(tmp_path / "run").close()
