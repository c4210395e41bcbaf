"""Imitation from easy to hard: the warm-up of specs/learn/itool."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from turnwise.api.specs import spec
from turnwise.api.training import resume
from turnwise.core.errors import TurnwiseError
from turnwise.core.progress import Silent
from turnwise.core.types import ROOT, End, Episode, Leaf, Message, Task, Turn
from turnwise.learn.difficulty import easy_to_hard, length_of
from turnwise.worlds.api_calls_rules import calls_in

HOW = {"demos": 18, "demo_epochs": 1, "rounds": 1, "tasks": 4, "simulations": 1, "evaluate": 1, "max_new": 12}


def told(number, text):
    turn = Turn(ROOT, 0, "agent", (Message("user", "go"),), Message("assistant", text), {})
    return Episode(f"imitate/0/t/{number}", Task("t", "made"), (turn,), (Leaf(0, End.DONE),))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30), st.data())
def test_parts_rise_in_difficulty_and_lose_nothing(lengths, data):
    episodes = [told(n, "x" * length) for n, length in enumerate(lengths)]
    stages = data.draw(st.integers(1, len(lengths)))
    parts = easy_to_hard(episodes, stages)
    assert len(parts) == stages and sorted(e.id for p in parts for e in p) == sorted(e.id for e in episodes)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1 and min(sizes) >= 1
    for easy, hard in zip(parts, parts[1:], strict=False):
        assert max(map(length_of, easy)) <= min(map(length_of, hard))
    order = {e.id: n for n, e in enumerate(episodes)}
    assert all([order[e.id] for e in part] == sorted(order[e.id] for e in part) for part in parts)


def test_more_stages_than_demonstrations_are_refused():
    with pytest.raises(TurnwiseError, match="2 demonstrations in 3 stages"):
        easy_to_hard([told(0, "a"), told(1, "b")], 3)


def train(out, watch=None, **settings):
    return turnwise.train(
        "api-calls", "itool", model="scratch:nano", settings={**HOW, **settings}, out=out, seed=1, progress=watch
    )


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "staged")


def test_three_rounds_of_imitation_ask_for_more_and_more(staged):
    lines = [line for line in staged.folder.metrics() if line["stage"] == "imitate"]
    assert [line["round"] for line in lines] == [0, 1, 2] and [line["episodes"] for line in lines] == [6, 6, 6]
    assert all(line["update"]["steps"] >= 1 for line in lines)
    rounds = [list(staged.folder.episodes("imitate", [number])) for number in range(3)]
    calls = [np.mean([len(calls_in(e.turns[0].message.text)) for e in part]) for part in rounds]
    assert calls[0] < calls[1] <= calls[2]
    assert len({e.id for part in rounds for e in part}) == 18


def test_the_demonstrations_are_those_of_plain_imitation(staged, tmp_path):
    plain = train(tmp_path / "plain", stages=1)
    one, all_of_them = (
        sorted((e.task.key, tuple(t.message.text for t in e.turns)) for e in run.folder.episodes("imitate"))
        for run in (plain, staged)
    )
    assert one == all_of_them
    bc = turnwise.train(
        "api-calls",
        "bc",
        model="scratch:nano",
        settings={name: HOW[name] for name in ("demos", "demo_epochs", "evaluate", "max_new")},
        out=tmp_path / "bc",
        seed=1,
    )
    assert [e.success for e in bc.after.episodes] == [e.success for e in plain.before.episodes]


def test_without_demonstrations_there_are_no_stages():
    parts = spec("api-calls", "itool", "scratch:nano", {**HOW, "demos": 0, "demo_epochs": 4}, {}, 0).build()
    assert [stage.name for stage in parts.stages] == ["evaluate-before", "improve", "evaluate-after"]


def test_stopped_between_two_stages_it_goes_on_the_same(staged, tmp_path):
    class Stop(Silent):
        stop = False

        def round(self, record):
            self.stop = (record["stage"], record["round"]) == ("imitate", 1)

    assert not train(tmp_path / "stopped", Stop()).complete
    assert resume(tmp_path / "stopped").complete
    for file in sorted((staged.path / "episodes").glob("*")):
        assert file.read_bytes() == (tmp_path / "stopped" / "episodes" / file.name).read_bytes()
