"""Runs that stop anywhere and go on give the bytes of runs that did not; the same command twice gives the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import turnwise
from turnwise import loop
from turnwise.agents.scripted import ScriptedAgent
from turnwise.api.training import resume
from turnwise.core.errors import RunFolderError
from turnwise.core.progress import Silent
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import CreditTable, Signal, Update
from turnwise.explore import Independent, Table
from turnwise.learn.weights.policy_gradient import PolicyGradient
from turnwise.worlds import make

SETTINGS = {"demos": 12, "demo_epochs": 1, "rounds": 2, "tasks": 4, "max_new": 4, "evaluate": 1, "kl": 0.05}
WORLD = {"max_steps": 3}
ROUNDS = ["imitate-0", "evaluate-before-0", "improve-0", "improve-1", "evaluate-after-0"]


class StopAfter(Silent):
    """Asks to stop after so many rounds, and notes them."""

    def __init__(self, rounds: int):
        self.rounds, self.seen = rounds, []

    @property
    def stop(self):
        return len(self.seen) >= self.rounds

    def round(self, record):
        self.seen.append(f"{record['stage']}-{record['round']}")


def train(out: Path, rounds: int = 99, seed: int = 0):
    watch = StopAfter(rounds)
    run = turnwise.train(
        "maze",
        "turn-ppo",
        model="scratch:nano",
        settings=SETTINGS,
        world_settings=WORLD,
        out=out,
        seed=seed,
        progress=watch,
    )
    return run, watch.seen


def contents(path: Path) -> dict[str, bytes]:
    """Everything but what holds clock times and names."""
    rooms = ("episodes", "credit", "signals", "checkpoints")
    files = [p for room in rooms for p in sorted((path / room).rglob("*")) if p.is_file()]
    return {str(p.relative_to(path)): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    run, seen = train(path)
    assert run.complete and seen == ROUNDS
    return contents(path)


def test_the_same_command_twice_gives_the_same_bytes(whole, tmp_path):
    train(tmp_path / "again")
    assert contents(tmp_path / "again") == whole
    assert {name.split("/")[0] for name in whole} == {"episodes", "credit", "checkpoints"}
    assert sum("learner/" in name for name in whole) > 3, "the last round of learning is among the checkpoints"


def test_another_seed_gives_other_episodes(whole, tmp_path):
    train(tmp_path / "other", rounds=1, seed=1)
    assert contents(tmp_path / "other")["episodes/imitate-000000.parquet"] != whole["episodes/imitate-000000.parquet"]


@pytest.mark.parametrize("rounds", range(1, len(ROUNDS)))
def test_stopped_at_any_round_and_resumed(whole, tmp_path, rounds):
    path = tmp_path / "stopped"
    run, seen = train(path, rounds)
    assert seen == ROUNDS[:rounds] and not run.complete
    watch = StopAfter(99)
    assert resume(path, progress=watch).complete and watch.seen == ROUNDS[rounds:]
    assert contents(path) == whole
    assert RunFolder.open(path).found == []


KILLED = """
import os, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from turnwise.core.run_folder import RunFolder
from test_loop import train
seal = RunFolder.checkpoint
def die(self, stage, round, fill):
    if (stage, round) == ("improve", 1):
        os._exit(9)
    return seal(self, stage, round, fill)
RunFolder.checkpoint = die
train(Path(sys.argv[1]))
"""


def test_a_process_that_was_killed_loses_nothing_earlier(whole, tmp_path):
    """Killed between the episodes of a round and its checkpoint."""
    path = tmp_path / "killed"
    script = KILLED.format(paths=[str(Path(__file__).parent), str(Path(__file__).parents[1])])
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert [f"{line['stage']}-{line['round']}" for line in RunFolder.open(path).metrics()] == ROUNDS[:4]
    run = resume(path)
    assert run.complete and contents(path) == whole
    assert any("improve-000001.parquet" in said for said in run.found), "what was set aside is said"


def test_a_round_that_broke_is_made_again(whole, tmp_path, monkeypatch):
    path, learn = tmp_path / "broken", PolicyGradient.learn

    def breaks(self, batch, progress=None):
        if self.steps:
            raise MemoryError("in the second round")
        return learn(self, batch, progress)

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(PolicyGradient, "learn", breaks)
        train(path)
    assert resume(path).complete and contents(path) == whole


def test_a_complete_run_is_left_alone(whole, tmp_path):
    path = tmp_path / "complete"
    train(path)
    before = {p: p.stat().st_mtime_ns for p in path.rglob("*.parquet")}
    watch = StopAfter(99)
    resume(path, progress=watch)
    assert watch.seen == [] and before == {p: p.stat().st_mtime_ns for p in path.rglob("*.parquet")}


# --- the loop itself, with parts that are easy to see through ---


class Remembering:
    """A learner that counts what it was given."""

    needs = frozenset[str]()

    def __init__(self):
        self.batches, self.total = [], 0

    def learn(self, batch, progress):
        self.batches.append(batch)
        self.total += len(batch.episodes)
        progress(1.0)
        return [Update("weights", self.total - len(batch.episodes), self.total, {"loss": 0.0})]

    def save(self, directory):
        (directory / "total").write_text(str(self.total))

    def load(self, directory):
        self.total = int((directory / "total").read_text())


class Judge:
    """Scores every episode by its length."""

    async def judge(self, episodes):
        return [Signal(e.id, "turns", value=float(len(e.turns))) for e in episodes]


def parts(learners, rounds=3, name="learn", choose=list):
    world = make("maze", max_steps=3)

    def collect(number, progress):
        agent = ScriptedAgent(world.expert("random"), "random")
        return Table(world, {"agent": agent}, 0, name, number).collect(Independent(), world.tasks("train")[:4])

    def credit(learner, episodes, signals):
        return CreditTable("turns", "turn", [[1.0] * len(e.turns) for e in episodes])

    def make_learner():
        learners.append(Remembering())
        return learners[-1]

    stage = loop.Stage(name, rounds, collect, make_learner, credit, choose, [Judge()])
    return loop.Parts([stage, loop.Stage("evaluate", 1, collect)], lambda to: (to / "policy").write_text("weights"))


def folder(path):
    return RunFolder.create(path, {}, 0, ["made"], {})


def test_a_learner_goes_on_with_what_it_had(tmp_path):
    learners: list[Remembering] = []
    with folder(tmp_path / "run") as run:
        assert loop.train(parts(learners), run, StopAfter(2)) is False
    with RunFolder.resume(tmp_path / "run") as run:
        assert loop.train(parts(learners), run) is True
    assert [learner.total for learner in learners] == [8, 12]


def test_what_was_chosen_is_learned_from_and_credited(tmp_path):
    learners: list[Remembering] = []
    with folder(tmp_path / "run") as run:
        loop.train(parts(learners, rounds=1, choose=lambda episodes: list(episodes)[1:3]), run)
        (batch,) = learners[0].batches
        ids, table = run.credit("learn", 0)["turns"]
        assert ids == [e.id for e in batch.episodes] and len(ids) == 2 and len(list(run.episodes("learn"))) == 4
        assert [s.value for s in batch.signals] == [s.value for s in run.signals("learn")] and len(batch.signals) == 4
        assert list(batch.credit) == ["turns"] and table.unit == "turn"
        state = json.loads((run.latest_checkpoint() / "state.json").read_text())
        assert state == {"stage": "evaluate", "next_round": 1}


def test_a_stage_that_is_no_more_is_refused(tmp_path):
    with folder(tmp_path / "run") as run:
        loop.train(parts([], name="old"), run, StopAfter(1))
    with RunFolder.resume(tmp_path / "run") as run, pytest.raises(RunFolderError, match="stopped in stage 'old'"):
        loop.train(parts([], name="new"), run)


def test_stopping_after_the_last_round_is_no_stop(tmp_path):
    with folder(tmp_path / "run") as run:
        assert loop.train(parts([], rounds=1), run, StopAfter(2)) is True


def test_tasks_go_round():
    tasks = list("abcde")
    rounds = [loop.tasks_in_turn(tasks, 3, n) for n in range(5)]
    assert rounds[:2] == [["a", "b", "c"], ["d", "e", "a"]]
    assert sorted(sum(rounds, [])) == sorted(tasks * 3)
