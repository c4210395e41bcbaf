"""The run folder: nothing that was whole is ever lost."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from made_folder import episode, made, run_and_die
from made_run import make_run

from turnwise.core import durable
from turnwise.core.errors import RunFolderError
from turnwise.core.run_folder import RunFolder


def snapshot(path: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(path)): p.read_bytes()
        for p in path.rglob("*")
        if p.is_file() and p.name != ".lock" and "damaged" not in p.parts
    }


def test_killed_in_the_middle_of_a_file(tmp_path: Path) -> None:
    run_and_die(
        tmp_path,
        """
        folder = make_run(path, rounds=2, tasks=2)
        os.fsync = lambda handle: os._exit(9)
        made_round(folder, "improve", 2, tasks_of("train", 2, 7), 1, 0.9, 7)
        """,
    )
    run = tmp_path / "run"
    reader = RunFolder.open(run)
    assert reader.found == ["episodes/.improve-000002.parquet.part: writing it was interrupted"]
    assert (run / "episodes" / ".improve-000002.parquet.part").exists(), "reading changes nothing"
    assert len(list(reader.episodes("improve"))) == 2 * 2 * 2
    with RunFolder.resume(run) as folder:
        assert folder.found[0] == (
            "episodes/.improve-000002.parquet.part: writing it was interrupted; "
            "moved to damaged/episodes/improve-000002.parquet.part"
        )
        assert folder.latest_checkpoint() == run / "checkpoints" / "improve-000001"
    assert (run / "damaged" / "episodes" / "improve-000002.parquet.part").exists()
    assert (run / "damaged" / "why.txt").read_text().splitlines() == folder.found


def test_a_run_goes_on_from_its_last_checkpoint_to_the_same_bytes(tmp_path: Path) -> None:
    """Rounds after the seal are set aside and made again; the folder is then as if nothing had happened."""
    make_run(tmp_path / "whole", rounds=2, tasks=2).close()
    run_and_die(
        tmp_path,
        """
        RunFolder.checkpoint_whole = RunFolder.checkpoint
        def checkpoint(self, stage, round, fill):
            if round == 1:  # killed inside the second checkpoint, a line of metrics torn
                (self.path / "checkpoints" / ".improve-000001.part").mkdir()
                open(self.path / "metrics.jsonl", "a").write('{"stage": "impr')
                os._exit(9)
            return self.checkpoint_whole(stage, round, fill)
        RunFolder.checkpoint = checkpoint
        make_run(path, rounds=2, tasks=2)
        """,
    )
    with RunFolder.resume(tmp_path / "run") as folder:
        assert any(s.startswith("checkpoints/.improve-000001.part: writing it was interrupted") for s in folder.found)
        assert any(
            "episodes/improve-000001.parquet: it was written after checkpoint improve-000000" in s for s in folder.found
        )
        assert any(s.startswith("metrics.jsonl: 2 lines torn off or of unsealed rounds") for s in folder.found)
        assert folder.stages() == {"evaluate-before": [0], "improve": [0]}
        from made_run import made_round, tasks_of

        made_round(folder, "improve", 1, tasks_of("train", 2, 7), 2, 0.9, 7)
        made_round(folder, "evaluate-after", 0, tasks_of("eval", 4, 7), 2, 0.9, 7)
    assert RunFolder.open(tmp_path / "run").found == []
    assert snapshot(tmp_path / "run") == snapshot(tmp_path / "whole")


def test_without_a_checkpoint_a_run_starts_again(tmp_path: Path) -> None:
    with made(tmp_path) as folder:
        folder.append([episode()], "evaluate-before", 0)
    with RunFolder.resume(folder.path) as again:
        assert again.found == [
            "episodes/evaluate-before-000000.parquet: it was written after the start of the run, "
            "and no checkpoint stands; "
            "moved to damaged/episodes/evaluate-before-000000.parquet"
        ]
        assert again.stages() == {}


@pytest.mark.parametrize("harm", ["truncated", "a byte changed"])
def test_a_damaged_last_file_is_set_aside_with_the_checkpoint_that_learnt_from_it(tmp_path: Path, harm: str) -> None:
    make_run(tmp_path / "run", rounds=3, tasks=2).close()
    path = tmp_path / "run" / "episodes" / "improve-000002.parquet"
    data = path.read_bytes()
    path.write_bytes(
        data[: len(data) // 2] if harm == "truncated" else data[:2000] + bytes([data[2000] ^ 1]) + data[2001:]
    )
    reader = RunFolder.open(tmp_path / "run")
    assert len(reader.found) == 1 and reader.found[0].startswith("episodes/improve-000002.parquet: it is damaged")
    with pytest.raises(RunFolderError, match="improve-000002.parquet cannot be read"):
        list(reader.episodes("improve"))
    assert len(list(reader.episodes("improve", range(2)))) == 8
    with RunFolder.resume(tmp_path / "run") as folder:
        assert folder.latest_checkpoint().name == "improve-000001"
        assert any("checkpoints/improve-000002: it is newer than the episodes" in s for s in folder.found)
        assert folder.stages()["improve"] == [0, 1]
    assert (tmp_path / "run" / "damaged" / "episodes" / "improve-000002.parquet").exists()


def test_a_hole_in_the_past_does_not_throw_the_present_away(tmp_path: Path) -> None:
    make_run(tmp_path / "run", rounds=3, tasks=2).close()
    (tmp_path / "run" / "episodes" / "improve-000000.parquet").write_bytes(b"PAR1 but not really")
    with RunFolder.resume(tmp_path / "run") as folder:
        assert folder.latest_checkpoint().name == "improve-000002"
        assert folder.stages()["improve"] == [1, 2]
        assert any("it stays missing; the run goes on from improve-000002" in s for s in folder.found)


def test_lines_of_rounds_without_episodes_stay_when_old_checkpoints_go(tmp_path: Path) -> None:
    """A stage that keeps no episodes is known by its checkpoints alone, and those are pruned."""
    with made(tmp_path) as folder:
        for stage, round in (("imitate", 0), ("imitate", 1), ("improve", 0), ("improve", 1)):
            folder.metric({"stage": stage, "round": round})
            folder.checkpoint(stage, round, lambda to: None)
            folder.prune_checkpoints(keep=1)
        folder.metric({"stage": "improve", "round": 2})
    with RunFolder.resume(folder.path) as again:
        assert [(r["stage"], r["round"]) for r in again.metrics()][-2:] == [("improve", 0), ("improve", 1)]
        assert len(again.metrics()) == 4 and len(again.checkpoints()) == 1


def test_a_cut_off_checkpoint_is_not_the_latest(tmp_path: Path) -> None:
    make_run(tmp_path / "run", rounds=2, tasks=2).close()
    weights = tmp_path / "run" / "checkpoints" / "improve-000001" / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:10])
    assert RunFolder.open(tmp_path / "run").latest_checkpoint().name == "improve-000000"
    with RunFolder.resume(tmp_path / "run") as folder:
        assert any("the file weights.bin is missing or cut off" in s for s in folder.found)
        assert folder.stages()["improve"] == [0]


def test_a_torn_line_is_dropped_and_told(tmp_path: Path) -> None:
    with made(tmp_path) as folder:
        folder.metric({"stage": "improve", "round": 0})
        with open(folder.path / "metrics.jsonl", "a") as file:
            file.write('{"stage": "improve", "rou')
        assert RunFolder.open(folder.path).found == [], "another process may be writing that line now"
    reader = RunFolder.open(folder.path)
    assert reader.found == ["metrics.jsonl: line 2 is torn off and is skipped"]
    assert len(reader.metrics()) == 1
    with reader.lock():
        reader.metric({"stage": "improve", "round": 1})
    assert [r["round"] for r in reader.metrics()] == [0, 1]


class FullDisk:
    """A file that takes some bytes, then none."""

    def __init__(self, file: object, room: int):
        self.file, self.room = file, room

    def write(self, data: bytes) -> int:
        taken = data[: self.room]
        self.file.write(taken)
        self.file.flush()
        self.room -= len(taken)
        if len(taken) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(taken)

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


def test_a_full_disk_costs_nothing_that_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "run", rounds=1, tasks=2)
    before = snapshot(folder.path)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "open", lambda *args, **how: FullDisk(open(*args, **how), 100), raising=False)  # noqa: SIM115
        with pytest.raises(RunFolderError, match="the disk is full: episodes/improve-000001.parquet") as error:
            folder.append([episode()], "improve", 1)
        with pytest.raises(RunFolderError, match="the disk is full: metrics.jsonl"):
            folder.metric({"stage": "improve", "round": 1, "text": "x" * 200})
        assert error.value.next_move == f"free space, then `turnwise train --resume {folder.path}`"
    assert snapshot(folder.path) == before, "no dot-file, no half line"
    assert folder.append([episode()], "improve", 1).exists()


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("I/O: No space left on device (os error 28)")],
)
def test_a_full_disk_in_a_checkpoint(tmp_path: Path, error: Exception) -> None:
    folder = make_run(tmp_path / "run", rounds=1, tasks=2)
    before = snapshot(folder.path)

    def fill(to: Path) -> None:
        (to / "half.bin").write_bytes(b"x" * 10)
        raise error

    with pytest.raises(RunFolderError, match="the disk is full: checkpoints/improve-000001"):
        folder.checkpoint("improve", 1, fill)
    assert snapshot(folder.path) == before
    with pytest.raises(ZeroDivisionError):  # a mistake of the writer stays its own
        folder.checkpoint("improve", 1, lambda to: 1 / 0)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_device_that_is_really_full(tmp_path: Path) -> None:
    folder = made(tmp_path)
    (folder.path / "episodes").mkdir()
    (folder.path / "episodes" / ".improve-000000.parquet.part").symlink_to("/dev/full")
    with pytest.raises(RunFolderError, match="the disk is full"):
        folder.append([episode()], "improve", 0)
    assert list((folder.path / "episodes").iterdir()) == []


def test_checkpoints_hold_what_the_writer_put_there(tmp_path: Path) -> None:
    def fill(to: Path) -> None:
        (to / "learner").mkdir()
        (to / "learner" / "state.bin").write_bytes(b"abc")

    with made(tmp_path) as folder:
        assert folder.latest_checkpoint() is None
        path = folder.checkpoint("improve", 9, fill)
        later = folder.checkpoint("anneal", 0, fill)  # later in the run, earlier in the alphabet
        assert folder.latest_checkpoint() == later
        with pytest.raises(RunFolderError, match="exists already"):
            folder.checkpoint("improve", 9, fill)
    assert (path / "learner" / "state.bin").read_bytes() == b"abc"
    assert json.loads((path / "checkpoint.json").read_text())["files"] == {"learner/state.bin": 3}
