"""RAPO's steerable reward: worked numbers of the sheet, and the labels of calls in search-rooms (specs/learn/rapo)."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.agents.spec import expert
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor, Limits
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message, Task
from turnwise.explore import Independent, Table
from turnwise.feedback.steerable import Counts, Prices, Steerable, counts_of, steerable
from turnwise.worlds import make

WORLD = make("search-rooms", rooms=4)


def walked(*acts, key="2b", decoys=("1a",)):
    """The episode of some acts, cut after them."""
    task = Task("t", WORLD.name, {"key": key, "decoys": list(decoys)})
    cursor = Cursor(WORLD.live(), task, Chance(0), Limits(turns=len(acts)))
    cursor.begin()
    for act in acts:
        cursor.take({"agent": Act(Message("assistant", f"{act}\n"))})
    return cursor.episode("e", {})


def test_worked_rewards():
    assert steerable(True, True, Counts(4, 1, 3, 2)) == pytest.approx(0.8), "T = 10, 3 redundant"
    assert steerable(True, True, Counts(1, 4, 1, 4)) == pytest.approx(0.6), "T = 10, 8 redundant"
    assert steerable(False, True, Counts(5, 1, 10, 2)) == pytest.approx(0.3), "dS = 4, dQ = 8"
    assert steerable(True, False, Counts()) == 1.0, "no call, none redundant"
    busy = Counts(1, 9, 0, 16)
    assert steerable(False, False, busy) == pytest.approx(-0.4)
    assert steerable(False, False, busy, Prices(floor=0.0)) == 0.0


@given(*[st.integers(0, 60)] * 4, st.booleans())
def test_no_wrong_answer_earns_what_the_worst_right_one_does(a, b, c, d, form):
    counts = Counts(a, b, c, d)
    assert steerable(False, form, counts) <= 0.4 + 0.1 * form + 1e-9
    assert steerable(True, form, counts) >= 0.5 + 0.1 * form
    with pytest.raises(TurnwiseError, match="busy failure"):
        Prices(searching=0.3)


def test_labels_of_calls():
    """Hall, room 1 with a decoy, room 2 with the key."""
    found = walked(
        "go 1", "open a", "look", "look", "open b", "look", "go 2", "go 1", "open a", "go 2", "open b", "look"
    )
    calls, well_formed = WORLD.calls(found)
    assert well_formed and calls == [
        ("search", "room 1"), ("query", "1a"), ("check", "1a"), ("check", "1a"), ("query", "1b"), ("query", "1b"),
        ("search", "room 2"), ("search", "room 1"), ("check", "1a"), ("search", "room 2"), ("query", "2b"),
        ("check", "2b"),
    ]  # fmt: skip
    assert counts_of(calls) == Counts(unique=2, searched_again=2, useful=5, read_again=3)
    assert counts_of(calls, checks=2) == Counts(unique=2, searched_again=2, useful=6, read_again=2)


def test_what_was_refused_is_no_call_and_bad_form():
    calls, well_formed = WORLD.calls(walked("open a", "dance", "go 3"))
    assert calls == [("search", "room 3")] and not well_formed


def test_planted_duplicates_are_found():
    """The audit of the judge: every drawer of a thorough search is opened twice."""
    once = ["go 1", "open a", "look", "open b", "open c", "go 2", "open b", "look"]
    assert counts_of(WORLD.calls(walked(*once))[0]).redundant == 0
    for number, act in enumerate(once):
        twice = [*once[: number + 1], act, *once[number + 1 :]]
        found = counts_of(WORLD.calls(walked(*twice))[0]).redundant
        assert found == 1, act


def test_a_signal_per_path_of_the_scripted_searchers():
    table = Table(WORLD, {"agent": expert(WORLD, "thorough")}, 0)
    episodes = table.collect(Independent(), WORLD.tasks("train")[:12])
    thorough = asyncio.run(Steerable(WORLD).judge(episodes))
    assert [s.value for s in thorough] == [1.1] * 12, "right, well formed, nothing twice"
    table = Table(WORLD, {"agent": expert(WORLD, "mix")}, 0)
    mixed = table.collect(Independent(), WORLD.tasks("train")[:12])
    paid = [s.value for s in asyncio.run(Steerable(WORLD).judge(mixed))]
    assert all(0.5 <= v <= 1.1 for v, e in zip(paid, mixed, strict=True) if e.success) and min(paid) < 0.5
