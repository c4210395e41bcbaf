"""SLIM's skills: what is told, what is paid, and a critic of its own for it (specs/learn/slim_multi_critic)."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from made_play import nano, sample
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message
from turnwise.explore import Independent, Table
from turnwise.feedback.diversity import Diversity, diversity
from turnwise.models.policy import Policy
from turnwise.worlds import make
from turnwise.worlds.skilled import Skilled, bare

INNER = make("loop-grid")
WORLD = Skilled(INNER, 3)


def walked(*moves, skill=1, world=WORLD):
    task = world.tasks("train")[skill]
    cursor = Cursor(world.live(), task, Chance(4))
    cursor.begin()
    for move in moves:
        cursor.take({"agent": Act(Message("assistant", f"{move}\n"))})
    return cursor


# --- the world ---


def test_every_task_stands_once_with_every_skill():
    tasks, inner = WORLD.tasks("train"), INNER.tasks("train")
    assert len(tasks) == 3 * len(inner) and len({task.key for task in tasks}) == len(tasks)
    assert [task.params["skill"] for task in tasks[:4]] == [0, 1, 2, 0]
    tested, plain = WORLD.tasks("eval"), INNER.tasks("eval")
    assert [task.key for task in tested] == [task.key for task in plain]
    assert [task.params["skill"] for task in tested[:4]] == [0, 1, 2, 0]
    with pytest.raises(TurnwiseError, match="1 or more"):
        Skilled(INNER, 0)


def test_a_skill_is_told_on_every_page_and_changes_nothing_else():
    """The same acts with the same draws: the same pages, rewards and components behind the number."""
    one, two = (walked("right", "down", "sing", "right", skill=k) for k in (0, 2))
    assert one.moment.views["agent"][-1].text.startswith("skill 0. ")
    assert two.moment.views["agent"][-1].text.startswith("skill 2. ")
    episodes, _ = sample(nano("loop-grid"), WORLD, 6, turns=6, max_new=8)
    for episode in episodes:
        plain, skill = bare(episode), episode.task.params["skill"]
        assert all(turn.seen[-1].text.startswith(f"skill {skill}. ") for turn in episode.turns)
        assert not any(message.text.startswith("skill") for turn in plain.turns for message in turn.seen)
        for name, earned in WORLD.components(episode).items():
            np.testing.assert_array_equal(earned, INNER.components(plain)[name])


def test_a_fork_and_an_imagined_world_keep_the_skill_and_scripted_players_get_along():
    cursor = walked("right")
    view = cursor.view("agent")
    for twin in (cursor.world.fork(Chance(1)), WORLD.imagine(view, Chance(1))):
        moment = twin.step({"agent": Message("assistant", "right\n")})
        assert moment.views["agent"][-1].text.startswith("skill 1. ")
    player = ScriptedAgent(WORLD.expert("optimal"), "optimal")
    found = Table(WORLD, {"agent": player}, 0).collect(Independent(), WORLD.tasks("train")[:6])
    assert all(episode.success for episode in found)


# --- what is paid ---


def test_worked_diversity():
    """Two skills; three visits of page a by skill 0 and one by skill 1, each in an episode of its own."""
    found = diversity([0, 0, 0, 1], [["a"], ["a"], ["a"], ["a"]], 2)
    assert found[0] == [pytest.approx(math.log(2 * (2 + 1) / (3 + 2)))]
    assert found[3] == [pytest.approx(math.log(2 * 1 / (3 + 2)))]
    apart = diversity([0] * 50 + [1] * 50, [["a"]] * 50 + [["b"]] * 50, 2)
    assert apart[0][0] == pytest.approx(math.log(2), abs=0.03), "near the most there is"
    assert diversity([0, 1], [["a", "a"], ["b"]], 2) == [[0.0, 0.0], [0.0]], "seen by nobody else"
    with pytest.raises(TurnwiseError, match="from 0 on below"):
        diversity([2], [["a"]], 2)


@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.sampled_from("abc"), max_size=4)), max_size=8))
def test_diversity_is_bounded_and_knows_no_order_of_episodes(played):
    skills, pages = [skill for skill, _ in played], [seen for _, seen in played]
    found = diversity(skills, pages, 3)
    assert all(value <= math.log(3) for values in found for value in values)
    assert diversity(skills[::-1], pages[::-1], 3) == found[::-1]
    assert [v for values in diversity([0] * len(pages), pages, 1) for v in values] == pytest.approx(
        [0.0] * sum(map(len, pages))
    ), "one skill tells nothing"


def test_a_signal_for_every_turn_of_an_episode():
    player = ScriptedAgent(WORLD.expert("uniform"), "uniform")
    episodes = Table(WORLD, {"agent": player}, 0).collect(Independent(), WORLD.tasks("train")[:9])
    signals = asyncio.run(Diversity(3, bare).judge(episodes))
    assert [(s.episode, s.turn) for s in signals] == [(e.id, n) for e in episodes for n in range(len(e.turns))]
    assert len({s.value for s in signals}) > 1


# --- the recipe ---


def test_it_runs_with_a_head_for_diversity(tmp_path):
    how = {"demos": 16, "demo_epochs": 1, "rounds": 1, "tasks": 8, "max_new": 8, "evaluate": 1, "turns": 4, "skills": 2}
    run = turnwise.train("loop-grid", "slim-skills", model="scratch:nano", settings=how, out=tmp_path / "run")
    assert Policy.load(run.folder.latest_checkpoint() / "policy").critics == 4
    names = {signal.name for signal in run.folder.signals("improve")}
    assert names == {"goal", "nearer", "bump", "diversity"}
    assert [e.task.key for e in run.after.episodes] == [task.key for task in INNER.tasks("eval")]
