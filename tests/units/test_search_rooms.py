"""The house of drawers and decoys: its rules, its searchers, and what a conversation leaves possible
(specs/plan/tti-budget).
"""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, End, Message, Task
from turnwise.worlds import make
from turnwise.worlds.search_rooms_rules import EMPTY, KEY, REAL, TOY, House, Search, fits, read

WORLD = make("search-rooms")
HOUSE = WORLD.house


def start(key="5b", decoys=("1a", "5c"), world=WORLD):
    cursor = Cursor(world.live(), Task("t", world.name, {"key": key, "decoys": list(decoys)}), Chance(0))
    cursor.begin()
    return cursor


def do(cursor, *acts):
    """What is shown after each act."""
    for act in acts:
        cursor.take({"agent": Act(Message("assistant", f"{act}\n"))})
    return cursor.moment.views["agent"][-1].text


def plays(name, task, world=WORLD, key=0):
    agent = ScriptedAgent(world.expert(name), name)
    return asyncio.run(play(Cursor(world.live(), task, Chance(key)), {"agent": agent})).episode("e", {})


# --- the rules ---


def test_a_decoy_looks_right_at_first_and_is_exposed_by_a_second_look():
    cursor = start()
    assert do(cursor, "go 5", "open b") == "5b: key\n" and do(cursor, "open c") == "5c: key\n"
    assert do(cursor, "look") == "5c: toy key\n"
    assert do(cursor, "open b") == "5b: real key\n", "opening again is looking again"
    assert do(cursor, "open a") == "5a: empty\n" == do(cursor, "look")
    assert do(cursor, "go 1", "open a") == "1a: key\n" and do(cursor, "go 2", "go 1", "open a") == "1a: toy key\n"


@pytest.mark.parametrize(
    "acts", [(), ("go 5",), ("go 5", "open b", "go 5"), ("go 5", "open d"), ("go 9",), ("open b",)]
)
def test_only_an_open_drawer_can_be_answered_with(acts):
    cursor = start()
    do(cursor, *acts)
    assert not cursor.world.is_answer("answer\n") and "answer\n" not in cursor.moment.legal
    assert do(cursor, "answer").startswith("cannot do that. ") and cursor.open


@pytest.mark.parametrize(("drawer", "right"), [("a", False), ("b", True), ("c", False)])
def test_success_is_the_right_drawer(drawer, right):
    cursor = start()
    do(cursor, "go 5", f"open {drawer}", "answer")
    (leaf,) = cursor.tree.ends
    assert leaf.end is End.DONE and leaf.facts["success"] is right
    assert cursor.episode("e", {}).total() == float(right)


def test_the_last_turn_fails_unless_it_is_the_answer():
    small = make("search-rooms", max_steps=3)
    for last, right in (("answer", True), ("look", False)):
        cursor = start(world=small)
        assert do(cursor, "go 5", "open b") == "5b: key\n" and cursor.open
        do(cursor, last)
        assert cursor.tree.ends[0].end is End.DONE and cursor.tree.ends[0].facts["success"] is right


def test_rooms_entered_again_are_counted():
    cursor = start()
    for act, back in (("go 1", 0), ("go 2", 0), ("go 1", 1), ("look", 1), ("go 1", 1), ("go 3", 1), ("go 2", 2)):
        do(cursor, act)
        assert cursor.moment.facts["back"] == back


def test_settings_out_of_range_are_refused():
    for wrong in ({"decoys": 1.5}, {"rooms": 10}, {"drawers": 0}, {"max_steps": 0}):
        with pytest.raises(TurnwiseError, match="a chance from 0 to 1"):
            make("search-rooms", **wrong)
    with pytest.raises(TurnwiseError, match="drawer '9z'"):
        WORLD.live().reset(Task("t", WORLD.name, {"key": "9z", "decoys": []}), Chance(0))


# --- the decoys ---


def test_decoys_come_at_their_rate_and_a_higher_rate_only_adds_some():
    for split in ("train", "eval"):
        few, many, none = (make("search-rooms", decoys=rate).tasks(split) for rate in (0.3, 0.6, 0.0))
        for less, more in zip(few, many, strict=True):
            assert set(less.params["decoys"]) <= set(more.params["decoys"])
        assert not any(task.params["decoys"] for task in none)
        rate = np.mean([len(task.params["decoys"]) / 8 for task in many])
        assert abs(rate - 0.6) < 3.5 * np.sqrt(0.6 * 0.4 / (8 * len(many)))
        for task in many:
            rooms = [place[0] for place in task.params["decoys"]]
            assert len(set(rooms)) == len(rooms) and task.params["key"] not in task.params["decoys"]
        assert Counter(task.params["key"] for task in many) == dict.fromkeys(HOUSE.places, len(many) // 24)


@given(st.integers(1, 9), st.integers(1, 5), st.floats(0, 1), st.integers(0, 999))
def test_any_house_can_be_laid(rooms, drawers, rate, seed):
    house = House(rooms, drawers, rate)
    rng = np.random.default_rng(seed)
    target = house.places[int(rng.integers(len(house.places)))]
    decoys = house.lay(target, rng)
    assert set(decoys) <= set(house.places) - {target} and len({place[0] for place in decoys}) == len(decoys)


# --- what is known ---

ACTS = st.lists(st.sampled_from(["look", *(f"go {n}" for n in range(1, 9)), "open a", "open b", "open c"]), max_size=25)


@given(st.sampled_from(WORLD.tasks("train")), ACTS, st.integers(0, 99))
def test_imagined_houses_fit_all_that_was_seen_and_go_on_as_they_must(task, acts, seed):
    cursor = Cursor(WORLD.live(), task, Chance(0))
    cursor.begin()
    do(cursor, *acts)
    known = read(cursor.view("agent").messages)
    twin = cursor.world.imagine(cursor.view("agent"), Chance(seed))
    here, there = cursor.world._search, twin._search
    assert (there.room, there.open, twin._steps) == (here.room, here.open, len(acts))
    for place, sight in known.seen.items():
        decoy = place if place in there.decoys else ""
        assert fits({place: sight}, there.target, decoy)
        if sight in (TOY, REAL, EMPTY):
            again = [Search(s.target, s.decoys, looks={place: 5}) for s in (here, there)]
            for search in again:
                search.look(place)
            assert again[0].tell() == again[1].tell(), "what two looks have shown is settled"


def test_the_posterior_is_that_of_counting():
    """Two rooms of two drawers, decoys in half the rooms: houses drawn and kept where they show the same."""
    house, seen = House(2, 2, 0.5), {"1a": KEY, "2b": EMPTY}
    rng, kept = np.random.default_rng(0), Counter()
    for _ in range(20_000):
        target = house.places[int(rng.integers(4))]
        decoys = house.lay(target, rng)
        if all(fits({p: s}, target, p if p in decoys else "") for p, s in seen.items()):
            kept[target, decoys] += 1
    drawn = Counter(house.imagine(seen, rng) for _ in range(6000))
    assert drawn.keys() == kept.keys()
    for laid, count in kept.items():
        share = count / sum(kept.values())
        assert abs(drawn[laid] / 6000 - share) < 4.5 * np.sqrt(share * (1 - share) / 6000)


# --- the searchers ---


def test_the_thorough_one_never_errs_and_the_hasty_one_answers_at_first_sight():
    for task in WORLD.tasks("eval")[::5]:
        episode = plays("thorough", task, make("search-rooms", max_steps=60))
        assert episode.success and episode.ends[0].facts["back"] == 0
        hasty = plays("hasty", task)
        assert [turn.message.text for turn in hasty.turns].count("look\n") == 0
        assert hasty.turns[-1].message.text == "answer\n" and "key" in hasty.turns[-1].seen[-1].text


def test_without_decoys_first_sight_is_enough():
    world = make("search-rooms", decoys=0.0)
    assert all(plays("hasty", task, world).success for task in world.tasks("eval")[::5])


def test_success_falls_from_the_thorough_one_to_the_random_one():
    tasks = WORLD.tasks("eval")
    thorough, mix, random = (
        np.mean([plays(name, task, key=n).success for n, task in enumerate(tasks)])
        for name in ("thorough", "mix", "random")
    )
    assert thorough > 0.95 and 0.2 < mix < 0.7 and random < 0.15
