"""Claims are checked by their trial, and one that does not hold is said not to."""

from __future__ import annotations

import dataclasses
import json

import pytest

from turnwise.api import checking
from turnwise.api.checking import check
from turnwise.api.comparison import Verdict
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.recipes import RECIPES
from turnwise.recipes.base import START, Trial

SMALL = {"demos": 60, "demo_epochs": 1, "evaluate": 1}
MAZE = {"max_steps": 6}


@pytest.fixture
def trial(monkeypatch):
    """Give a recipe another trial for the time of a test."""

    def put(name, **how):
        recipe = RECIPES.get(name)
        claim = dataclasses.replace(recipe.claim, trial=Trial("maze", world_settings=MAZE, **how))
        changed = dataclasses.replace(recipe, claim=claim)
        get = RECIPES.get
        monkeypatch.setattr(RECIPES, "get", lambda asked: changed if asked == name else get(asked))

    return put


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Where runs lie that several tests read."""
    return tmp_path_factory.mktemp("runs")


def small_start(put, **how):
    put("rloo", by="return", settings={**SMALL, "rounds": 1, "tasks": 2, "group": 2}, **how)


def test_against_its_start_every_seed_is_paired(trial, runs):
    small_start(trial)
    found = check("rloo", 2, out=runs)
    assert [arm.name for arm in found.comparison.arms] == [START, "rloo"] and not found.held
    rows = found.by_seed(found.rivals[0])
    assert [row["seed"] for row in rows] == [0, 1]
    means = [row["recipe"]["value"] - row["baseline"]["value"] for row in rows]
    assert found.differences[START].difference == pytest.approx(sum(means) / 2)
    assert "(rloo)" in found.summary and "25 tasks" in found.summary


def test_runs_that_are_there_are_used_again(trial, runs):
    small_start(trial)
    check("rloo", 2, out=runs)
    before = {p: p.stat().st_mtime_ns for p in runs.rglob("*.parquet")}
    check("rloo", 2, out=runs)
    assert before and {p: p.stat().st_mtime_ns for p in runs.rglob("*.parquet")} == before


@pytest.mark.parametrize(("within", "held"), [(1e9, True), (1e-9, False)])
def test_a_claim_of_no_difference_holds_where_the_interval_lies_inside(trial, runs, within, held):
    trial("bc", against="script:optimal", by="return", within=within, settings=SMALL)
    found = check("bc", 2, out=runs)
    assert found.held is held and found.differences["script:optimal"].difference < 0


@pytest.mark.parametrize(("no_worse", "held"), [(1e9, True), (1e-9, False)])
def test_a_claim_of_being_no_worse_looks_at_the_lower_end_alone(trial, runs, no_worse, held):
    trial("bc", against="script:optimal", by="return", no_worse=no_worse, settings=SMALL)
    assert check("bc", 2, out=runs).held is held
    trial("bc", against="script:random", by="return", no_worse=1e9, settings=SMALL)
    assert check("bc", 2, out=runs).held


def test_a_claim_against_several_must_hold_against_each(trial, runs):
    alone, far = ("script:random",), ("script:random", "script:optimal")
    trial("bc", against=alone, by="return", no_worse=30.0, settings=SMALL)
    low = check("bc", 2, out=runs)
    trial("bc", against=far, by="return", no_worse=0.5, settings=SMALL)
    both = check("bc", 2, out=runs)
    assert [arm.name for arm in both.comparison.arms] == [*far, "bc"] and list(both.differences) == list(far)
    assert low.held and not both.held
    assert {row["against"] for row in both.as_json()["seeds"]} == set(far)


def test_its_start_may_stand_beside_other_baselines(trial, runs):
    small_start(trial, against=(START, "script:random"))
    found = check("rloo", 2, out=runs)
    assert [arm.name for arm in found.comparison.arms] == [START, "script:random", "rloo"]


def test_being_so_many_times_better_must_hold_with_every_seed(trial, tmp_path):
    trial("bc", against="script:random", times=1000.0, settings=SMALL)
    found = check("bc", 2, out=tmp_path)
    assert not found.held and [arm.name for arm in found.comparison.arms] == ["script:random", "bc"]


def test_what_was_found_is_kept(trial, runs, tmp_path):
    small_start(trial)
    found = check("rloo", 2, out=runs)
    kept = json.loads(found.store(tmp_path).read_text())
    assert kept["held"] is False and kept["command"] == "turnwise check rloo --seeds 2" and len(kept["seeds"]) == 2
    assert checking.EVIDENCE.is_dir()


def test_a_recipe_that_never_evaluates_its_start_cannot_be_held_against_it(trial, tmp_path):
    trial("bc", settings=SMALL)
    with pytest.raises(TurnwiseError, match="never evaluates the agent that it starts from"):
        check("bc", 1, out=tmp_path)
    with pytest.raises(UnknownName, match="did you mean 'rloo'"):
        check("rlo", 1, out=tmp_path)


@pytest.mark.parametrize(("low", "held"), [(-0.001, False), (0.001, True)])
def test_a_claim_of_being_above_needs_an_interval_above_zero(trial, runs, monkeypatch, low, held):
    """Tests over tasks and seeds may just pass where the printed interval just reaches 0."""
    small_start(trial)
    found = check("rloo", 2, out=runs)
    monkeypatch.setattr(Verdict, "above", property(lambda verdict: "rloo"))
    edge = dataclasses.replace(found.differences[START], difference=0.2, low=low, high=0.4)
    monkeypatch.setitem(vars(found), "differences", {START: edge})
    assert found.held is held
