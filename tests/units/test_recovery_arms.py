"""A wrong tap injected in evaluation, and the arms that are tried on it (specs/learn/mobile_r1)."""

from __future__ import annotations

import asyncio

import pytest

import turnwise
from turnwise.agents.scripted import ScriptedAgent
from turnwise.api.specs import spec
from turnwise.core.chance import Chance, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.worlds import make
from turnwise.worlds.grid_phone_rules import read_act

CALM = {"slip": 0.0, "dialogs": 0.0}
ARMS = {
    "bc": ("imitate", "evaluate-after"),
    "step-reward-only": ("imitate", "evaluate-before", "improve", "evaluate-after"),
    "task-reward-only": ("imitate", "evaluate-before", "improve", "evaluate-after"),
    "mobile-r1": ("imitate", "evaluate-before", "steps", "improve", "evaluate-after"),
}


def episodes(world, rule, split="eval"):
    return [
        asyncio.run(play(Cursor(world.live(), task, Chance(key_of(task.key))), {"agent": ScriptedAgent(rule)})).episode(
            task.key, {}
        )
        for task in world.tasks(split)
    ]


def slips(episode):
    """Numbers of the taps that hit something else, counted from 1."""
    taps = [turn for turn in episode.turns if read_act(turn.message.text).kind == "tap"]
    return [number for number, turn in enumerate(taps, 1) if turn.facts.get("slipped")]


@pytest.mark.parametrize("number", [1, 2])
def test_the_tap_with_this_number_and_no_other_goes_wrong(number):
    world = make("grid-phone", **CALM, wrong_tap=number)
    careful = world.expert("careful")
    found = [slips(e) for e in episodes(world, careful)]
    assert all(numbers in ([number], []) for numbers in found), "none where there is nothing else to hit"
    assert sum(map(len, found)) > 0.6 * len(found)
    assert not any(slips(e) for e in episodes(world, careful, "train")), "nobody trains on it"


def test_who_errs_and_recovers_is_paid_in_full():
    """R_task = 1 for an episode whose steps were not all right."""
    found = episodes(make("grid-phone", **CALM, wrong_tap=2), make("grid-phone").expert("careful"))
    assert all(e.success and e.total() == 2.0 for e in found)
    straight = episodes(make("grid-phone", **CALM), make("grid-phone").expert("careful"))
    pairs = [(one, other) for one, other in zip(found, straight, strict=True) if slips(one)]
    assert pairs and all(len(one.turns) > len(other.turns) for one, other in pairs)


def test_who_says_the_annotated_path_whatever_happens_does_not_recover():
    calm, world = make("grid-phone", **CALM), make("grid-phone", **CALM, wrong_tap=1)
    paths = {e.task.params["goal"]: [t.message for t in e.turns] for e in episodes(calm, calm.expert("careful"))}
    won = []
    for task in world.tasks("eval"):
        live = world.live()
        live.reset(task, Chance(key_of(task.key)))
        for message in paths[task.params["goal"]]:
            last = live.step({"agent": message})
        won.append(last.facts["success"])
    assert sum(won) < len(won) / 4


def test_a_number_below_zero_is_refused():
    with pytest.raises(TurnwiseError, match="wrong_tap = -1"):
        make("grid-phone", wrong_tap=-1)


def test_the_arms_differ_in_their_stages_alone():
    arms = {name: spec("grid-phone", name, "scratch:nano", {}, {}, 0).build() for name in ARMS}
    assert {name: tuple(stage.name for stage in parts.stages) for name, parts in arms.items()} == ARMS
    rounds = {name: {stage.name: stage.rounds for stage in parts.stages} for name, parts in arms.items()}
    assert rounds["step-reward-only"]["improve"] == rounds["mobile-r1"]["steps"]
    assert rounds["task-reward-only"]["improve"] == rounds["mobile-r1"]["improve"]


def test_a_trained_arm_can_be_tried_on_recovery(tmp_path):
    settings = {"demos": 12, "demo_epochs": 1, "rounds": 1, "tasks": 4, "group": 2, "evaluate": 1}
    run = turnwise.train("grid-phone", "step-reward-only", model="scratch:nano", settings=settings, out=tmp_path / "r")
    tried = turnwise.evaluate(f"run:{run.path}", world_settings={**CALM, "wrong_tap": 2}, episodes=8)
    assert len(tried.episodes) == 8 and tried.world.settings()["wrong_tap"] == 2
