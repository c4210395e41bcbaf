"""The phone, its annotated steps, and Mobile-R1's stages (specs/learn/mobile_r1)."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

import turnwise
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, Message
from turnwise.credit.grpo import Grpo, grpo
from turnwise.explore import Grouped, Independent, Table
from turnwise.learn.credited import credit_table
from turnwise.learn.sequences import rows_of
from turnwise.worlds import make
from turnwise.worlds.annotated import AnnotatedSteps, world_of_annotators
from turnwise.worlds.grid_phone_rules import GOALS, Phone, inside, read_act, read_phone, write_act

PHONE = make("grid-phone")
CALM = PHONE.annotated()


def start(world, goal, key=0):
    task = next(task for task in world.tasks("train") if task.params["goal"] == goal)
    cursor = Cursor(world.live(), task, Chance(key_of(key, goal)))
    cursor.begin()
    return cursor


def do(cursor, *acts):
    for act in acts:
        cursor.take({"agent": Act(Message("assistant", f"<think>x</think><act>{act}</act>\n"))})
    return cursor


# --- form and annotation ---


def test_form_is_a_thinking_block_and_an_action_block():
    for text in (
        "<think>a</think><act>tap 1 2</act>\n",
        "<think></think><act>back</act>",
        "<think>b</think><act>done</act>",
    ):
        assert read_act(text) is not None
        assert read_act(write_act("again", read_act(text))) == read_act(text)
    for text in (
        "tap 1 2\n",
        "<act>tap 1 2</act>",
        "<think>a</think><act>tap 12 2</act>",
        "<think>a</think><act>fly</act>",
    ):
        assert read_act(text) is None


def test_a_point_on_the_edge_is_inside():
    box = (1, 1, 4, 4)
    assert all(inside(box, at) for at in ((1, 1), (4, 4), (1, 4), (2, 3)))
    assert not any(inside(box, at) for at in ((0, 1), (5, 4), (1, 5)))


@pytest.mark.parametrize(
    ("annotated", "said", "same"),
    [
        ("tap 1 0", "tap 2 1", True),
        ("tap 1 0", "tap 3 0", False),
        ("type milk", "type milk", True),
        ("type milk", "type mils", False),
        ("back", "back", True),
        ("back", "done", False),
        ("tap 1 0", "type milk", False),
    ],
)
def test_the_same_act(annotated, said, same):
    view = start(CALM, "wifi").view("agent").messages
    texts = [f"<think>{thought}</think><act>{act}</act>\n" for thought, act in (("a", annotated), ("b", said))]
    assert PHONE.same_act(view, *texts) is same
    assert not PHONE.same_act(view, texts[0], annotated), "without form nothing was done"


# --- the phone ---


def test_every_state_is_told_and_read_again():
    for goal in GOALS:
        cursor = start(make("grid-phone", slip=0.3, dialogs=0.3), goal)
        rule, rng = cursor.world.expert("fumbling"), np.random.default_rng(0)
        while cursor.open:
            assert read_phone(cursor.view("agent").messages[-1].text) == cursor.world._phone
            cursor.take({"agent": Act(Message("assistant", rule(cursor.view("agent"), rng)))})
    with pytest.raises(TurnwiseError, match="a line of grid-phone"):
        read_phone("hello")


def test_tasks_take_three_to_five_steps_and_all_can_be_done():
    agent = ScriptedAgent(CALM.expert())
    lengths = {}
    for task in CALM.tasks("eval"):
        episode = asyncio.run(play(Cursor(CALM.live(), task, Chance(0)), {"agent": agent})).episode("e", {})
        lengths[task.params["goal"]] = len(episode.turns)
        assert episode.success and episode.total() == 2.0
    assert set(lengths.values()) == {3, 4, 5} and lengths["mail ana milk"] == 5


def test_side_effects_and_what_cannot_be_undone():
    assert do(start(CALM, "wifi"), "tap 0 0", "tap 0 0", "done").episode("e", {}).success
    undone = do(start(CALM, "wifi"), "tap 0 0", "tap 0 2", "tap 0 0", "tap 0 2", "done")
    assert undone.episode("e", {}).success, "a wrong switch can be switched back"
    assert not do(start(CALM, "wifi"), "tap 0 0", "tap 0 2", "tap 0 0", "done").episode("e", {}).success
    wrong = do(start(CALM, "note milk"), "tap 0 2", "type eggs", "tap 0 5", "type milk", "tap 0 5", "done")
    assert not wrong.episode("e", {}).success


def test_a_dialog_leads_home_unless_it_is_closed():
    phone = Phone("note milk", "notes", dialog=True, text="milk")
    assert phone.after(read_act("<think></think><act>tap 1 1</act>")).screen == "home"
    back = phone.after(read_act("<think></think><act>back</act>"))
    assert (back.screen, back.text, back.dialog) == ("notes", "milk", False)
    assert phone.after(read_act("<think></think><act>tap 0 0</act>")) == phone


def test_a_slip_hits_another_element_and_never_one_that_is_final():
    slippery = make("grid-phone", slip=1.0, dialogs=0.0)
    for key in range(20):
        cursor = do(start(slippery, "mail ana milk", key), "tap 4 2")
        assert cursor.moment.facts["slipped"] and cursor.moment.facts["screen"] not in ("mail", "home")
        cursor.world._phone = Phone("mail ana milk", "mail", person="ana", text="milk")
        do(cursor, "tap 0 0")
        assert cursor.world._phone.person == "ben" and not cursor.world._phone.facts


def test_an_episode_that_errs_and_recovers_is_a_success_though_its_steps_are_not_all_annotated():
    cursor = do(start(CALM, "wifi"), "tap 3 0", "back", "tap 0 0", "tap 0 0", "done")
    episode = cursor.episode("e", {})
    rule = CALM.expert()
    assert episode.success and episode.total() == 2.0
    shown = start(CALM, "wifi").view("agent")
    assert not PHONE.same_act(shown.messages, rule(shown, np.random.default_rng(0)), episode.turns[0].message.text)


def test_form_is_paid_by_its_share():
    cursor = start(CALM, "wifi")
    cursor.take({"agent": Act(Message("assistant", "tap 0 0\n"))})
    episode = do(cursor, "tap 0 0", "tap 0 0", "done").episode("e", {})
    assert episode.total() == pytest.approx(1.75) and episode.ends[0].facts["form"] == 0.75


# --- annotated steps ---


def test_annotated_steps_are_one_turn_each_and_the_annotator_is_right():
    world = AnnotatedSteps(CALM)
    tasks = world.tasks("train")
    assert sorted(t.key for t in world.in_order(0)) == sorted(t.key for t in tasks)
    episodes = Table(world, {"agent": ScriptedAgent(CALM.expert())}, 0).collect(Independent(), tasks)
    assert all(len(e.turns) == 1 and e.success and e.total() == 2.0 for e in episodes)
    assert len(tasks) == sum({"wifi": 3, "dark": 3, "call": 4, "note": 4, "mail": 5}[g.split()[0]] for g in GOALS) * 2
    fumbled = Table(world, {"agent": ScriptedAgent(lambda view, rng: "tap 0 0\n")}, 0).collect(Independent(), tasks)
    assert all(e.total() == 0.0 for e in fumbled)


def test_any_world_has_annotated_steps():
    maze = make("maze", max_steps=4)
    assert world_of_annotators(maze) is maze and world_of_annotators(PHONE).settings()["slip"] == 0
    world = AnnotatedSteps(maze)
    episodes = Table(world, {"agent": ScriptedAgent(lambda view, rng: "move up")}, 0).collect(
        Independent(), world.tasks("train")
    )
    assert {e.total() for e in episodes} == {1.0, 2.0}, "a legal move is in form, and sometimes the annotator's"


def test_one_step_is_a_bandit_whose_advantages_sum_to_zero_in_every_step():
    world = AnnotatedSteps(CALM)
    talker = ScriptedAgent(CALM.expert("fumbling"))
    episodes = Table(world, {"agent": talker}, 0).collect(Grouped(8), world.tasks("train")[:6])
    rows = rows_of(episodes, _Chars())
    table = credit_table(Grpo(), episodes, rows, None)
    found = np.array([turns[0] for turns in table.values]).reshape(6, 8)
    np.testing.assert_allclose(found.sum(1), 0, atol=1e-9)
    returns = np.array([e.total() for e in episodes])
    np.testing.assert_allclose(found.ravel(), grpo(returns, np.repeat(np.arange(6), 8)))
    assert found.any()


def test_with_one_turn_whole_episodes_are_steps_with_the_tasks_reward():
    """T = 1 and no reward for form: the phone pays R_task, and GRPO sees what it would see of a bandit."""
    short = make("grid-phone", slip=0.0, dialogs=0.0, form=0.0, max_steps=1)
    agent = ScriptedAgent(short.expert("fumbling"))
    episodes = Table(short, {"agent": agent}, 0).collect(Grouped(4), short.tasks("train")[:3])
    assert all(len(e.turns) == 1 and e.total() == float(e.success) for e in episodes)
    table = credit_table(Grpo(), episodes, rows_of(episodes, _Chars()), None)
    expected = grpo(np.array([float(e.success) for e in episodes]), np.repeat(np.arange(3), 4))
    np.testing.assert_allclose([turns[0] for turns in table.values], expected)


class _Chars:
    """A rendering in which every character is a token."""

    extends, stop_ids = True, (0,)

    def open(self, messages):
        return [ord(c) for m in messages for c in m.text]

    def extend(self, messages, closed):
        return self.open(messages)

    def text_ids(self, text):
        return [*map(ord, text), 0]


# --- the recipe ---

SMALL = {"demos": 8, "demo_epochs": 1, "max_new": 4, "evaluate": 1, "tasks": 2, "group": 2, "steps": 3, "step_group": 2}


def stages_of(run):
    return list(dict.fromkeys(line["stage"] for line in run.folder.metrics()))


@pytest.mark.parametrize(
    ("rounds", "steps", "expected"),
    [
        (0, 0, ["imitate", "evaluate-before", "evaluate-after"]),
        (0, 1, ["imitate", "evaluate-before", "steps", "evaluate-after"]),
        (1, 0, ["imitate", "evaluate-before", "improve", "evaluate-after"]),
        (1, 1, ["imitate", "evaluate-before", "steps", "improve", "evaluate-after"]),
    ],
)
def test_the_order_of_the_stages_is_recorded_and_each_starts_where_the_last_one_ended(
    rounds, steps, expected, tmp_path
):
    own = {k: v for k, v in SMALL.items() if rounds or k not in ("tasks", "group")}
    own = {k: v for k, v in own.items() if steps or k not in ("steps", "step_group")}
    settings = {**own, "rounds": rounds, "step_rounds": steps}
    run = turnwise.train("grid-phone", "mobile-r1", model="scratch:nano", settings=settings, out=tmp_path / "run")
    assert run.complete and stages_of(run) == expected
    trained = [line for line in run.folder.metrics() if line["kind"] == "train"]
    for number, line in enumerate(trained[1:], 1):
        stage = line["stage"]
        played = [e for e in run.folder.episodes() if e.origin["stage"] == stage]
        assert {t.version for e in played for t in e.turns} == {number}, (
            "the stage begins with the last stage's weights"
        )


def test_without_the_first_stage_nothing_parses_so_nothing_is_earned(tmp_path):
    settings = {k: v for k, v in SMALL.items() if not k.startswith("demo") and k not in ("tasks", "group")}
    settings |= {"demos": 0, "rounds": 0, "step_rounds": 1}
    run = turnwise.train("grid-phone", "mobile-r1", model="scratch:nano", settings=settings, out=tmp_path / "run")
    first = [e for e in run.folder.episodes() if e.origin["stage"] == "steps"]
    parsed = np.mean([e.ends[0].facts["form"] for e in first])
    assert parsed == 0.0 and {e.total() for e in first} == {0.0}
    json.dumps(run.folder.metrics())
