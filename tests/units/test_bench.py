"""The benchmarks measure what they say: both sides do the same work. No time is asserted."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from turnwise.cli import main

TINY = ["--turns", "2", "--episodes", "3", "--repeats", "1", "--json"]


def bench(*words: str) -> dict:
    told = CliRunner().invoke(main, ["bench", *words, *TINY])
    assert told.exit_code == 0, told.stderr
    return json.loads(told.stdout)


def test_rollout_plays_the_same_episodes_three_ways():
    found = bench("rollout", "--model", "scratch:nano")
    assert (found["turns"], found["episodes"]) == (2, 3)
    assert all(found[side] > 0 for side in ("engine", "limit", "usual", "speedup", "of_limit"))
    assert found["speedup"] == pytest.approx(found["engine"] / found["usual"])
    assert 0 < found["outside"] < 1 and found["parts"].keys() == {"forward", "schedule", "elsewhere"}


def test_growth_is_of_twice_as_many_turns():
    found = bench("rollout", "--growth", "--model", "scratch:nano")
    assert found["turns"] == [2, 4]
    assert found["ratio"] == pytest.approx(found["engine_growth"] / found["limit_growth"])


def test_training_packed_and_usual_have_one_gradient():
    found = bench("train", "--model", "scratch:nano")
    assert found["gradient_gap"] < 1e-4 and 0.5 < found["useful_share"] <= 1
    assert found["agent_tokens"] == 2 * 3 * 4


def test_branching_and_plain_play_as_many_paths():
    found = bench("branching", "--model", "scratch:nano", "--paths", "3")
    assert found["paths"] == 3 and found["plain_played"] == 6 >= found["branching_played"]
    assert found["ratio"] > 0 and found["branching_read"] <= found["plain_read"]


def test_planner_and_plain_search_get_the_same_theorems_and_nodes(tmp_path):
    from turnwise.bench import planner

    found = planner.bench_planner("script:novice", 4, planner.Budget(nodes=60, patience=30))
    assert found["theorems"] == 4 and found["budget"]["nodes"] == 60
    for arm in ("planner", "plain"):
        assert 0 < found[arm]["nodes"] <= 4 * 60 and found[arm]["facts"] >= 4 * found[arm]["proved"]
    assert found["plain"]["planned_again"] == 0
    gap = found["planner"]["proved"] - found["plain"]["proved"]
    assert found["difference"]["value"] == pytest.approx(gap)
    assert gap * 4 == found["only_planner"] - found["only_plain"]
    assert json.loads(planner.store(found, tmp_path / "kept.json").read_text()) == found
