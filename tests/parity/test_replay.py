"""Recorded episodes of LMRL-Gym and others replay in our worlds without a difference; one would be seen."""

from __future__ import annotations

import copy
import gzip
import json
import random
from pathlib import Path

import pytest

from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Message, Task
from turnwise.worlds.parity import REPLAYERS, load, replay
from turnwise.worlds.parity.wordle import ranks
from turnwise.worlds.wordle import Wordle

HERE = Path(__file__).parent / "data"
WHOLE = Path(__file__).parents[3] / "shared" / "parity"
TEXTS = {  # episodes
    "lmrl_wordle": 30,
    "lmrl_maze_fo": 30,
    "lmrl_maze_po": 30,
    "lmrl_twenty_questions": 30,
    "lmrl_guess_my_city": 30,
    "lmrl_car_dealer": 30,
}
KEPT = {**TEXTS, "social_deduction": 20}
STEPS = {
    "lmrl_gym.wordle": (250, 1092),
    "lmrl_gym.maze_fully_observed": (222, 3620),
    "lmrl_gym.maze_partially_observed": (222, 3636),
    "lmrl_gym.twenty_questions": (100, 1452),
    "lmrl_gym.guess_my_city_as_released": (100, 2000),
    "lmrl_gym.car_dealer": (100, 675),
    "social_deduction.grid": (100, 6610),
}


def test_every_replayer_has_a_recording():
    assert {kept(name)["world"] for name in KEPT} == set(REPLAYERS) == set(STEPS)


def kept(name):
    return load(HERE / f"{name}.json.gz")


@pytest.mark.parametrize("name", KEPT)
def test_kept_recordings(name):
    found = replay(HERE / f"{name}.json.gz")
    assert found.mismatches == () and found.episodes == KEPT[name]
    assert found.steps == sum(len(e["steps"]) for e in kept(name)["episodes"])
    assert found.compared > 4 * found.steps


@pytest.mark.parametrize("folder", KEPT)
def test_whole_recordings(folder):
    path = WHOLE / folder / "episodes.json"
    if not path.is_file():
        pytest.skip("the whole recordings lie beside the repository and are not there")
    found = replay(path)
    assert found.mismatches == () and (found.episodes, found.steps) == STEPS[found.world]


@pytest.mark.parametrize("name", TEXTS)
def test_a_changed_recording_is_found_out(name):
    """Each field, spoilt once, gives a mismatch that names the episode, the turn and the field."""
    recording = {**kept(name), "episodes": kept(name)["episodes"][:1]}
    for field, value in spoilt(recording["episodes"][0]["steps"][0]):
        if (name, field) in HANDED_IN:
            continue
        changed = copy.deepcopy(recording)
        step = changed["episodes"][0]["steps"][0]
        (step if field in step else step["info"])[field] = value
        first = replay(changed).mismatches[0]
        assert (first.episode, first.turn, first.field) == (changed["episodes"][0]["id"], 0, field)
        assert first.expected == value
        assert field in str(first) and repr(value) in str(first)
    changed = copy.deepcopy(recording)
    changed["episodes"][0]["reset_obs"] = "Hello\n"
    assert [m.field for m in replay(changed).mismatches] == ["obs"]
    changed["episodes"][0]["steps"].pop()
    assert [m.field for m in replay(changed).mismatches][:2] == ["obs", "over"]
    changed["episodes"][0]["steps"] = recording["episodes"][0]["steps"] + recording["episodes"][0]["steps"][:1]
    assert ("over", False) in [(m.field, m.expected) for m in replay(changed).mismatches]


def test_a_changed_state_is_found_out():
    """Each field of a step, spoilt once; the replay of the episode ends there, for what follows is another game."""
    recording = {**kept("social_deduction"), "episodes": kept("social_deduction")["episodes"][:1]}
    (episode,) = recording["episodes"]
    number = next(i for i, s in enumerate(episode["steps"]) if "task_rewards" in s and s.get("options"))
    fields = {"phase": "voting", "done": True, "options": {"0": ["wait"]}, "players": [], "task_rewards": [9.0] * 5}
    for field, value in fields.items():
        changed = copy.deepcopy(recording)
        changed["episodes"][0]["steps"][number][field] = value
        found = replay(changed).mismatches
        assert {(m.episode, m.turn) for m in found} == {(episode["id"], number)}
        assert field in {m.field for m in found}
    talk = next(i for i, s in enumerate(episode["steps"]) if "discussion_rewards" in s)
    changed = copy.deepcopy(recording)
    changed["episodes"][0]["steps"][talk]["discussion_rewards"] = [0.5] * 5
    assert [m.field for m in replay(changed).mismatches] == ["discussion_rewards"]


HANDED_IN = {
    ("lmrl_wordle", "sampled_word"),
    ("lmrl_twenty_questions", "obs"),
    ("lmrl_guess_my_city", "obs"),
    ("lmrl_car_dealer", "buyer_calls"),
}


def test_what_the_recorded_buyer_was_given_is_compared():
    recording = copy.deepcopy({**kept("lmrl_car_dealer"), "episodes": kept("lmrl_car_dealer")["episodes"][:3]})
    for episode in recording["episodes"]:
        call = episode["steps"][-1]["info"]["buyer_calls"][-1]
        call["input" if call["kind"] == "reprompt" else "input_sha"] = "x"
    found = replay(recording).mismatches
    assert [(m.episode, m.field) for m in found] == [(e["id"], "buyer_calls") for e in recording["episodes"]]


def test_as_released_no_recorded_city_game_is_won_and_most_should_have_been():
    episodes = kept("lmrl_guess_my_city")["episodes"]
    said = [[(s["info"]["names_the_city"], s["obs"]) for s in e["steps"]] for e in episodes]
    assert not any(e["success"] for e in episodes)
    assert sum((True, "Yes.\n") in pairs for pairs in said) == 17, "86 of all 100"


def spoilt(step):
    yield "obs", "Hello\n"
    yield "reward", step["reward"] + 1e-6
    yield "done", not step["done"]
    for field, value in step["info"].items():
        yield field, not value if isinstance(value, bool) else "other"


def test_a_changed_table_is_found_out():
    recording = dict(kept("lmrl_wordle"))
    recording["episodes"] = []
    recording["config"] = {**recording["config"], "vocab": recording["config"]["vocab"][:-1]}
    (mismatch,) = replay(recording).mismatches
    assert (mismatch.episode, mismatch.turn, mismatch.field) == ("", None, "vocab wordle_official_400")


def test_the_recorded_draws_are_those_of_the_recorded_seed():
    recording = kept("lmrl_wordle")
    words = Wordle(recording["config"]["vocab"]).words
    for episode in recording["episodes"]:
        rng, left = random.Random(episode["seed"]), len(words.list)
        drawn = []
        for step in episode["steps"]:
            if step["info"]["valid"]:
                drawn.append(rng.choice(range(left)))
            left = step["info"]["consistent_words"]
        assert drawn == ranks(words, episode)


def test_a_fixed_hidden_word_gives_the_same_transcript():
    recording = kept("lmrl_wordle")
    for episode in recording["episodes"]:
        world = Wordle(recording["config"]["vocab"], **episode["config"])
        world.reset(Task("t", "wordle", {"word": episode["fixed_hidden_word"]}), Chance(0))
        for step in episode["steps"]:
            moment = world.step({"agent": Message("assistant", step["action"])})
            got = moment.views["agent"][0].text, moment.rewards["agent"], moment.end is not None
            assert got == (step["obs"], step["reward"], step["done"])


def test_files_that_cannot_be_replayed(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    good = {"schema_version": 1, "world": "lmrl_gym.wordel", "config": {}, "episodes": []}
    with pytest.raises(UnknownName, match="did you mean 'lmrl_gym.wordle'"):
        load(write("a.json", json.dumps(good).encode()))
    with pytest.raises(TurnwiseError, match="version 1"):
        load(write("b.json.gz", gzip.compress(json.dumps({**good, "schema_version": 2}).encode())))
    with pytest.raises(TurnwiseError, match="schema_version"):
        load(write("c.json", b"[]"))
    with pytest.raises(TurnwiseError, match="cannot be read"):
        load(write("d.json.gz", b"{}"))
    with pytest.raises(TurnwiseError, match="no file"):
        load(tmp_path / "e.json")
    broken = {**good, "world": "lmrl_gym.maze_fully_observed", "config": {"actions": {}, "layouts": {}}}
    with pytest.raises(TurnwiseError, match="episode x lacks"):
        replay({**broken, "episodes": [{"id": "x", "config": {}}]})
