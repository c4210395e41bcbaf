"""Asked again: what the sheet demands of a budget on answers, in every world that has them (specs/plan/tti-budget)."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from turnwise.agents.scripted import ScriptedAgent
from turnwise.bench.budget import bench_budget, evidence
from turnwise.bench.budget_picture import picture
from turnwise.cli import main
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, Limits, play
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Act, End, Episode, Leaf, Message, Task, Turn
from turnwise.measure.attempts import answers_of, attempts, flips
from turnwise.worlds import WORLDS, make
from turnwise.worlds.base import World
from turnwise.worlds.rechecked import NUDGE, Rechecked

ROOMS = make("search-rooms")
ANSWERING = {
    "grid-phone": make("grid-phone"),
    "long-shop": make("long-shop", filler=3),
    "search-rooms": ROOMS,
}


def plays(world, name, task, key=0, limits=None) -> Episode:
    agent = ScriptedAgent(world.expert(name), name)
    cursor = Cursor(world.live(), task, Chance(key_of(key, task.key)), limits)
    return asyncio.run(play(cursor, {"agent": agent})).episode("e", {})


def transcript(episode):
    return [(t.seen, t.message, t.rewards) for t in episode.turns]


def start(world, key="5b", decoys=("1a",)):
    cursor = Cursor(world.live(), Task("t", world.name, {"key": key, "decoys": list(decoys)}), Chance(0))
    cursor.begin()
    return cursor


def do(cursor, *acts):
    for act in acts:
        cursor.take({"agent": Act(Message("assistant", f"{act}\n"))})
    return cursor.moment


def facts(cursor):
    return cursor.tree.ends[0].facts


# --- which act is an answer ---


def test_worlds_that_say_so_are_known():
    saying = {name for name in WORLDS if type(make(name)).is_answer is not World.is_answer}
    assert saying == {*ANSWERING, "ask-or-answer", "counsel", "interview"}
    with pytest.raises(TurnwiseError, match="does not say which act is an answer"):
        Rechecked(make("maze"))
    with pytest.raises(TurnwiseError, match="attempts = 0"):
        Rechecked(ROOMS, 0)
    with pytest.raises(TurnwiseError, match="at most 40 acts"):
        Rechecked(ROOMS, 2, 41)


@pytest.mark.parametrize("name", ANSWERING)
def test_an_act_that_is_called_an_answer_ends_the_episode_and_is_scored(name):
    world, found = ANSWERING[name], 0
    for expert in world.experts:
        for task in world.tasks("eval")[:4]:
            cursor = Cursor(world.live(), task, Chance(3))
            cursor.begin()
            while cursor.open:
                view = cursor.view("agent")
                text = world.expert(expert)(view, generator(view.chance_key))
                answer = cursor.world.is_answer(text)
                cursor.take({"agent": Act(Message("assistant", text))})
                assert not answer or (not cursor.open and isinstance(facts(cursor)["success"], bool))
                found += answer
    assert found > 2


# --- the sheet's "must hold" ---


@pytest.mark.parametrize("name", ANSWERING)
def test_one_attempt_is_the_plain_agent(name):
    world = ANSWERING[name]
    for expert in world.experts:
        for task in world.tasks("eval")[:5]:
            plain, one = (plays(w, expert, task) for w in (world, Rechecked(world, 1)))
            assert transcript(plain) == transcript(one) and plain.ends[0].end is one.ends[0].end
            more = set(one.ends[0].facts) - set(plain.ends[0].facts)
            assert one.success is plain.success and more in (set(), {"answers", "accepted"})


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize("steps", [0, 5])
def test_more_attempts_than_acts_are_never_accepted_and_the_last_answer_counts(name, steps):
    world = ANSWERING[name]
    budget, seen = Rechecked(world, world.turns + 1, steps), set()
    for task in world.tasks("eval")[:12]:
        for expert in world.experts:
            episode = plays(budget, expert, task)
            (leaf,) = episode.ends
            assert len(episode.turns) == budget.turns and leaf.error is None
            given = answers_of(episode)
            assert leaf.facts.get("accepted", False) is False
            assert episode.success is (given[-1] if given else False)
            assert leaf.end is (End.DONE if given or not steps else End.TURNS)
            assert episode.total() == pytest.approx(episode.turns[-1].rewards["agent"])
            seen.add((bool(given), episode.success))
    assert (True, True) in seen


def test_the_last_answer_counts_though_one_has_gone_elsewhere_since():
    for acts, right in ((("go 5", "open b", "answer"), True), (("go 1", "open a", "answer"), False)):
        cursor = start(Rechecked(ROOMS, 3, steps=5))
        moment = do(cursor, *acts, "go 7", "open a")
        assert moment.end is End.DONE and moment.rewards["agent"] == float(right)
        assert facts(cursor)["success"] is right and facts(cursor)["accepted"] is False
        assert facts(cursor)["answers"] == [right]


def test_what_the_explorer_cuts_counts_by_the_last_answer_too():
    task = next(task for task in ROOMS.tasks("eval") if plays(ROOMS, "thorough", task).success)
    whole = len(plays(ROOMS, "thorough", task).turns)
    cut = plays(Rechecked(ROOMS, 9), "thorough", task, limits=Limits(turns=whole + 1))
    assert cut.ends[0].end is End.TURNS and cut.success is True and cut.ends[0].facts["accepted"] is False
    assert plays(Rechecked(ROOMS, 9), "thorough", task, limits=Limits(turns=whole - 1)).success is None


ACTS = st.lists(
    st.sampled_from(["look", "answer", *(f"go {n}" for n in (1, 2, 5)), "open a", "open b", "nonsense"]), max_size=30
)


@given(ACTS, st.integers(1, 5))
def test_a_nudge_changes_the_observation_and_nothing_else(acts, wanted):
    """Beside it a plain world that never hears the held answers: same pages, same state, after every act."""
    asked, plain, given = start(Rechecked(ROOMS, wanted)), start(ROOMS), 0
    page = plain.moment.views["agent"][-1].text
    for act in acts:
        answers = plain.world.is_answer(f"{act}\n")
        given += answers
        if answers and given == wanted:
            assert do(asked, act).end is do(plain, act).end is End.DONE
            assert asked.moment.rewards == plain.moment.rewards
            return
        shown = do(asked, act).views["agent"]
        if answers:
            assert [m.text for m in shown] == [NUDGE + page] and asked.moment.rewards == {"agent": 0.0}
        else:
            do(plain, act)
            assert shown == plain.moment.views["agent"]
            page = shown[-1].text
        assert asked.moment.legal == plain.moment.legal and vars(asked.world._world) == vars(plain.world)


def test_a_nudged_player_of_another_world_finds_its_page():
    """Where only the newest page is in view, that is what it reads."""
    world = make("grid-phone", slip=0.0, dialogs=0.0)
    for task in world.tasks("eval"):
        plain, asked = (plays(w, "careful", task) for w in (world, Rechecked(world, 3)))
        assert len(asked.turns) == len(plain.turns) + 2 and asked.ends[0].facts["answers"] == [True] * 3
        assert asked.ends[0].facts["accepted"] is True and asked.total() == plain.total()
        assert asked.turns[-1].seen[-1].text == NUDGE + plain.turns[-1].seen[-1].text


def test_forks_keep_what_was_answered_and_go_their_own_ways():
    cursor = start(Rechecked(ROOMS, 2))
    do(cursor, "go 1", "open a", "answer")
    twin = cursor.fork(0, {})
    do(cursor, "answer")
    do(twin, "go 5", "open b", "answer")
    assert [facts(c)["answers"] for c in (cursor,)] == [[False, False]]
    assert twin.tree.ends[1].facts["answers"] == [False, True] and twin.tree.ends[1].facts["accepted"]


def test_without_decoys_nothing_is_gained_by_asking_again():
    """Tasks solvable in one look: for each cap on acts, every number of answers comes to the same successes."""
    world = make("search-rooms", decoys=0.0)
    for steps in (8, 20, 40):
        runs = [
            [plays(Rechecked(world, wanted, steps), "hasty", task).success for task in world.tasks("eval")[::4]]
            for wanted in (1, 2, 3)
        ]
        assert runs[0] == runs[1] == runs[2] and any(runs[0])


def test_with_decoys_a_second_look_pays():
    tasks = ROOMS.tasks("eval")[::2]
    one, two, three = (
        np.mean([plays(Rechecked(ROOMS, wanted), "hasty", task, n).success for n, task in enumerate(tasks)])
        for wanted in (1, 2, 3)
    )
    assert one + 0.05 < two < three - 0.05


# --- what is measured ---


def episode_of(answers, accepted, key="t", turns=3):
    """An episode of which only answers and length matter."""
    said = [Turn(n - 1, n, "agent", (Message("user", "a b"),), Message("assistant", "c"), {}) for n in range(turns)]
    facts = {"answers": list(answers), "accepted": accepted, "success": answers[-1]} if answers else {"success": False}
    return Episode(key, Task(key, "made"), tuple(said), (Leaf(turns - 1, End.DONE, facts=facts),))


def test_flips_are_counted_per_hundred_answers():
    assert flips([True, False, False, True], True) == [0, 100, 0, 0]
    assert flips([True, False, False, True], False) == [0, 0, 0, 100]
    assert flips([], True) == [] and flips([None, True, None, False], True) == [0, 0, 0, 0]
    found = attempts(
        [
            episode_of([True, False, True], True, "a"),
            episode_of([False], True, "b", 5),
            episode_of([True, True, False, False], False, "c"),
            episode_of([], None, "d", 1),
        ]
    )
    assert (found.lost.value, found.mended.value) == (pytest.approx(100 * 2 / 8), pytest.approx(100 / 8))
    assert (found.success.value, found.accepted.value) == (0.25, pytest.approx(2 / 3))
    assert (found.answers.value, found.actions.value, found.tokens.value) == (2.0, 3.0, 9.0)


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_flips_balance(answers):
    """Ways there and ways back differ by where one began and ended."""
    lost, mended = (sum(flips(answers, before)) / 100 for before in (True, False))
    assert mended - lost == int(answers[-1]) - int(answers[0])


SMALL = {"decoys": [0.0, 0.6], "asked": [1, 2], "steps": [10, 40], "episodes": 24}


def test_the_benchmark_measures_what_it_says(tmp_path):
    found = bench_budget(["script:hasty"], **SMALL)
    assert found == bench_budget(["script:hasty"], **SMALL) and len(found["cells"]) == 8
    for cell in found["cells"]:
        assert cell["actions"][0] <= cell["steps"] and cell["answers"][0] <= cell["attempts"]
    gains = {(g["decoys"], g["steps"]): g["difference"] for g in found["gains"]}
    assert gains[0.0, 10] == gains[0.0, 40] == 0.0 < gains[0.6, 40]
    svg = [picture(found, tmp_path / name).read_bytes() for name in ("a.svg", "b.svg")]
    assert svg[0] == svg[1] and b"script:hasty, 40 acts" in svg[0]


def test_the_command_and_what_it_writes(tmp_path):
    words = ["bench", "budget", "script:thorough", "--decoys", "0.6", "--attempts", "2", "--steps", "40"]
    told = CliRunner().invoke(main, [*words, "--episodes", "12", "--out", str(tmp_path), "--json"])
    assert told.exit_code == 0, told.output
    (cell,) = json.loads(told.stdout)["cells"]
    assert cell["answers"][0] == pytest.approx(2, abs=0.5) and cell["lost"][0] == cell["mended"][0] == 0
    assert json.loads((tmp_path / "budget.json").read_text())["cells"] == [cell]


def test_the_evidence_says_what_the_sheet_wants():
    """At decoys .6 accuracy rises with the answers asked for, at decoys 0 it is flat."""
    kept = {(c["agent"].split(":")[1], c["decoys"], c["steps"], c["attempts"]): c for c in evidence()["cells"]}
    right = {name: cell["success"][0] for name, cell in kept.items()}
    assert right["hasty", 0.6, 40, 1] < right["hasty", 0.6, 40, 2] < right["hasty", 0.6, 40, 3]
    for steps in (10, 20, 30, 40):
        assert len({right["hasty", 0.0, steps, wanted] for wanted in (1, 2, 3, 4)}) == 1
    assert kept["wavering", 0.6, 40, 3]["lost"][0] > 0 == kept["hasty", 0.6, 40, 3]["lost"][0]
    assert right["hasty", 0.6, 40, 4] < right["thorough", 0.6, 40, 1], "who looks twice unasked needs no nudge"
