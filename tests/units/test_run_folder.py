"""The run folder: what is written comes back exactly, and nothing that was whole is ever lost."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_run import make_run

from turnwise.core import durable
from turnwise.core.columns import to_bytes
from turnwise.core.errors import RunFolderError, TurnwiseError
from turnwise.core.parquet import episodes_table, read_episodes
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import ROOT, CreditTable, End, Episode, Leaf, Message, Signal, Task, Tokens, Turn

# --- episodes that can be anything


def same_episode(a: Episode, b: Episode) -> bool:
    """Equality that looks into the arrays, bit by bit."""
    return plain(a) == plain(b) and [bits(t.tokens) for t in a.turns] == [bits(t.tokens) for t in b.turns]


def plain(episode: Episode) -> Episode:
    return replace(episode, turns=tuple(replace(t, tokens=None) for t in episode.turns))


def bits(tokens: Tokens | None) -> object:
    if tokens is None:
        return None
    arrays = (tokens.prompt, tokens.reply, tokens.logprobs, tokens.sampled)
    return [(a.dtype.str, a.tobytes()) for a in arrays], tokens.versions


texts = st.text(max_size=12) | st.sampled_from(
    ["", "two\nlines\r\n", "tab\t end ", "größer 数 🎲", "\x00null", "NaN", "null"]
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
mappings = st.dictionaries(texts, jsons, max_size=3)
named_numbers = st.dictionaries(texts, numbers | st.just(math.inf) | st.just(-0.0), max_size=3)
messages = st.builds(Message, texts, texts, st.lists(mappings, max_size=2).map(tuple), st.none() | texts)
said = st.lists(messages, max_size=3).map(tuple)


@st.composite
def token_records(draw: st.DrawFn) -> Tokens:
    ids = st.integers(0, 2**31 - 1)
    prompt, reply = draw(st.lists(ids, max_size=5)), draw(st.lists(ids, max_size=5))
    n = len(reply)
    logprobs = draw(st.lists(st.floats(width=32), min_size=n, max_size=n))
    sampled = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    versions = draw(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 9), st.integers(0, 9)), max_size=2))
    arrays = (
        np.array(prompt, np.int32),
        np.array(reply, np.int32),
        np.array(logprobs, np.float32),
        np.array(sampled, bool),
    )
    return Tokens(*arrays, tuple(versions))


@st.composite
def trees(draw: st.DrawFn, id: str = "improve/0/a/0") -> Episode:
    """Any tree: leaves at inner nodes, several at one node, paths cut before the first turn, no turn at all."""
    turns = []
    for i in range(draw(st.integers(0, 4))):
        parent = draw(st.integers(ROOT, i - 1))
        tokens = draw(st.none() | token_records())
        fields = [draw(s) for s in (said, messages, named_numbers)]
        rest = draw(named_numbers), draw(st.integers(0, 2**40)), draw(st.booleans()), draw(mappings)
        turns.append(Turn(parent, draw(st.integers(0, 2**40)), draw(texts), *fields, tokens, *rest))
    facts = st.fixed_dictionaries({}, optional={"success": st.none() | st.booleans(), "note": jsons})
    leaf = st.builds(
        Leaf,
        st.integers(ROOT, len(turns) - 1),
        st.sampled_from(End),
        st.dictionaries(texts, said, max_size=2),
        facts,
        st.none() | texts,
    )
    task = Task(draw(texts), draw(texts), draw(mappings), draw(st.sampled_from(["train", "eval"])))
    return Episode(id, task, tuple(turns), tuple(draw(st.lists(leaf, max_size=4))), draw(mappings))


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 3), max_size=4).flatmap(lambda ns: st.tuples(*(trees(f"e{i}") for i in range(len(ns))))))
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, episodes: tuple[Episode, ...]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    data = to_bytes(episodes_table(episodes, "improve", 3))
    path.write_bytes(data)
    back = list(read_episodes(str(path)))
    assert len(back) == len(episodes)
    assert all(same_episode(a, b) for a, b in zip(back, episodes, strict=True))
    assert to_bytes(episodes_table(back, "improve", 3)) == data


def turn(parent: int, text: str = "hm", **fields: object) -> Turn:
    return Turn(parent, parent + 1, "agent", (), Message("assistant", text), {"agent": 0.0}, **fields)


def episode(id: str = "e", turns: tuple[Turn, ...] = (), ends: tuple[Leaf, ...] = ()) -> Episode:
    return Episode(id, Task("a", "guess"), turns, ends)


def made(path: Path) -> RunFolder:
    return RunFolder.create(path / "run", {"lr": 0.1}, 3, ["turnwise", "train"], {"guess": "ab12"})


def test_one_row_per_turn_and_one_for_nobody_acted(tmp_path: Path) -> None:
    cut_and_gone_on = episode(
        "tree",
        (turn(ROOT), turn(0), turn(0)),
        (
            Leaf(0, End.TURNS),
            Leaf(ROOT, End.LEFT),
            Leaf(1, End.DONE, facts={"success": True}),
            Leaf(2, End.ERROR, error="world.step: x"),
        ),
    )
    broken = episode("empty", (), (Leaf(ROOT, End.ERROR, error="world.reset: x"),))
    with made(tmp_path) as folder:
        path = folder.append([cut_and_gone_on, broken], "improve", 0)
        rows = pq.ParquetFile(path).read().to_pylist()
    assert [(r["episode"], r["turn"], r["end"], r["success"]) for r in rows] == [
        ("tree", -1, "left", None),
        ("tree", 0, "turns", None),
        ("tree", 1, "done", True),
        ("tree", 2, "error", None),
        ("empty", -1, "error", None),
    ]
    assert list(folder.episodes()) == [cut_and_gone_on, broken]


def test_no_tokens_are_not_empty_tokens_and_no_reward_is_not_zero(tmp_path: Path) -> None:
    none = np.zeros(0, np.int32)
    empty = Tokens(none, none, np.zeros(0, np.float32), np.zeros(0, bool))
    unpaid = Turn(1, 2, "agent", (), Message("assistant", ""), {"user": 1.0})
    with made(tmp_path) as folder:
        path = folder.append([episode("e", (turn(ROOT), turn(0, tokens=empty), unpaid))], "improve", 0)
        rows = pq.ParquetFile(path).read().to_pylist()
        back = next(folder.episodes())
    assert [r["reply"] for r in rows] == [None, [], None]
    assert [r["reward"] for r in rows] == [0.0, 0.0, None]
    assert back.turns[0].tokens is None and len(back.turns[1].tokens.reply) == 0


def test_half_a_character_and_numpy_numbers_do_not_stop_a_run(tmp_path: Path) -> None:
    cut = episode("e", (turn(ROOT, "cut \ud83d", facts={"left": np.int64(3), "p": math.nan, "draws": (1, 2)}),))
    with made(tmp_path) as folder:
        folder.append([cut], "improve", 0)
        back = next(folder.episodes()).turns[0]
    assert back.message.text == "cut \ufffd"
    assert back.facts == {"left": 3, "p": None, "draws": [1, 2]}


def test_what_cannot_be_stored_is_named(tmp_path: Path) -> None:
    with made(tmp_path) as folder:
        with pytest.raises(TurnwiseError, match="facts of turn 0 of episode 'e'.*object"):
            folder.append([episode("e", (turn(ROOT, facts={"world": object()}),))], "improve", 0)
        with pytest.raises(TurnwiseError, match="two episodes of improve, round 0 have the id 'e'"):
            folder.append([episode(), episode()], "improve", 0)
        with pytest.raises(RunFolderError, match="stage '../up'"):
            folder.append([], "../up", 0)
        assert list(folder.episodes()) == []


def test_the_same_episodes_give_the_same_bytes(tmp_path: Path) -> None:
    def files(path: Path) -> dict[str, bytes]:
        make_run(path).close()
        return {
            str(p.relative_to(path)): p.read_bytes()
            for p in sorted(path.rglob("*"))
            if p.is_file() and p.name != ".lock"
        }

    assert files(tmp_path / "a") == files(tmp_path / "b")


# --- beside the record


def test_signals_and_credit_come_back(tmp_path: Path) -> None:
    signals = [
        Signal("e", "found", value=0.0),
        Signal("e", "kind", 1, 2, "user", None, "words\nonly", "judge", "other"),
        Signal("e", "n", value=math.nan),
    ]
    two = [episode("e", (turn(ROOT), turn(0))), episode("empty"), episode("f", (turn(ROOT),))]
    third, token = np.float32(1 / 3), np.array([0.1, math.nan], np.float32)
    per_turn = CreditTable("gae", "turn", [[third, math.nan], [], [0.0]], [[1.0, math.nan], [], [2.0]])
    per_token = CreditTable("tokens", "token", [[token, math.nan], [], [np.zeros(0, np.float32)]])
    with made(tmp_path) as folder:
        for _ in range(2):  # the same batch again is fine
            path = folder.append_signals(signals, "improve", 0)
            folder.append_credit(two, per_turn, "improve", 0)
        folder.append_credit(two, per_token, "improve", 0)
        assert [s.value for s in folder.signals("improve")] == [0.0, None, None]
        assert list(folder.signals())[:2] == signals[:2]
        assert pq.ParquetFile(path).read()["value"].null_count == 2
        credit = folder.credit("improve", 0)
        with pytest.raises(TurnwiseError, match="credit 'gae'"):
            folder.append_credit(two[:2], per_turn, "improve", 0)
    assert folder.credit("improve", 1) == {}
    ids, gae = credit["gae"]
    assert ids == ["e", "empty", "f"]
    np.testing.assert_equal([gae.values, gae.targets], [[[float(third), math.nan], [], [0.0]], per_turn.targets])
    np.testing.assert_equal(credit["tokens"][1].values[0], [token, math.nan])
    assert credit["tokens"][1].values[2][0].dtype == np.float32 and credit["tokens"][1].targets is None
    cells = pq.ParquetFile(folder.path / "credit" / "improve-000000-001.parquet").read()["values"].to_pylist()
    assert cells[0][1] is None and cells[1] is None


def test_metrics_keep_what_is_missing_missing(tmp_path: Path) -> None:
    with made(tmp_path) as folder:
        folder.metric(
            {"stage": "improve", "round": 0, "loss": math.nan, "norm": np.float32(0.5), "kl": None, "inf": math.inf}
        )
        folder.metric({"stage": "improve", "round": 1})
    assert folder.metrics()[0] == {"stage": "improve", "round": 0, "loss": None, "norm": 0.5, "kl": None, "inf": None}
    assert len(folder.metrics()) == 2


def test_stages_and_rounds_are_found_by_name(tmp_path: Path) -> None:
    with make_run(tmp_path / "run", rounds=2, tasks=2, group=1) as folder:
        assert folder.stages() == {"evaluate-after": [0], "evaluate-before": [0], "improve": [0, 1]}
        assert [e.id for e in folder.episodes("improve", [1])] == ["improve/1/train-000/0", "improve/1/train-001/0"]
        assert len(list(folder.episodes())) == 4 + 4 + 2 * 2


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


# --- accidents


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
