"""What every registered world promises, in its default settings and in some others."""

from __future__ import annotations

import asyncio
import json

import pytest

from turnwise.agents.company import in_company
from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Act, End, Message
from turnwise.worlds import WORLDS, make

OTHER_SETTINGS = {
    "car-dealer": [{"reward": "revenue", "lines": 8}, {"as_released": True}],
    "guess-my-city": [{"cities": "small", "turns": 8}, {"as_released": True}],
    "maze": [{"layout": "umaze"}, {"describe": "goal", "last_k": 7}, {"max_steps": 9, "as_released": True}],
    "maze-partial": [
        {"layout": "umaze"},
        {"last_k": 6, "max_steps": 30},
        {"goal_reward": 1.0, "illegal_reward": -100.0},
    ],
    "socratic": [{"user": "scattered", "bugs": 2}],
    "tutor": [{"exercises": "mathdial", "user": "tracer"}, {"exercises": "cima", "withholding": 0.3}],
    "recommend": [{"items": 200, "k": 1, "reward": "ear"}, {"user": "critic", "withholding": 0.3, "max_turns": 6}],
    "twenty-questions": [{"objects": "small", "turns": 8}, {"noise": 0.1}, {"cleaning": "strict", "objects": "small"}],
    "wordle": [
        {"as_released": True},
        {"require_words_in_vocab": False, "bad_word_reward": -10.0},
        {"vocabulary": ("slate", "crane", "plant", "trace", "least"), "turns": 4},
        {"answers": "beside"},
    ],
}
CASES = [(name, {}) for name in WORLDS] + [(n, s) for n, several in OTHER_SETTINGS.items() for s in several]
NONSENSE = ["", "\n", " ", "this is no move", "MOVE LEFT\n", "s l a t e s\n", "é ß\u2028😀", "x" * 5000, "Is it\x00?\n"]


@pytest.fixture(params=CASES, ids=lambda case: case[0] + (json.dumps(case[1]) if case[1] else ""))
def world(request):
    name, settings = request.param
    return make(name, **settings)


def start(world, task, key=1):
    cursor = Cursor(world.live(), task, Chance(key_of(key, task.key)))
    cursor.begin()
    return cursor


def take(cursor, text):
    cursor.take({"agent": Act(Message("assistant", text))})


def say(cursor, text):
    """The agent speaks, and the companions in other seats, until it is asked again."""
    take(cursor, text)
    others_speak(cursor)


def others_speak(cursor):
    while cursor.open and "agent" not in cursor.moment.to_act:
        views = {seat: cursor.view(seat) for seat in cursor.moment.to_act}
        rules = {seat: cursor.world.expert(cursor.world.companions[seat], seat) for seat in views}
        said = {seat: rules[seat](view, generator(view.chance_key)) for seat, view in views.items()}
        cursor.take({seat: Act(Message("assistant", text)) for seat, text in said.items()})


def expert_says(cursor, name):
    view = cursor.view("agent")
    return cursor.world.expert(name)(view, generator(view.chance_key))


def finish(world, task, name, key=1):
    agents = in_company(world, {"agent": ScriptedAgent(world.expert(name), name)})
    cursor = asyncio.run(play(Cursor(world.live(), task, Chance(key_of(key, task.key))), agents))
    return cursor.episode("e", {})


def spread(tasks, count):
    """Some tasks from all over the list."""
    return tasks[:: max(1, len(tasks) // count)][:count]


def test_tasks(world):
    keys = []
    for split in ("train", "eval"):
        tasks = world.tasks(split)
        assert tasks and list(tasks) == list(world.tasks(split))
        for task in tasks:
            assert (task.world, task.split) == (world.name, split)
            assert json.loads(json.dumps(task.params)) == task.params
        keys += [task.key for task in tasks]
    assert len(set(keys)) == len(keys)
    with pytest.raises(UnknownName, match="eval"):
        world.tasks("evla")


def test_settings_round_trip_and_hash(world):
    again = make(world.name, **json.loads(json.dumps(world.settings())))
    assert again.settings() == world.settings()
    assert again.hash() == world.hash() == world.live().hash()
    live = world.live()
    live.reset(world.tasks("train")[0], Chance(0))
    assert live.settings() == world.settings() and live.hash() == world.hash()
    hashes = {make(name, **settings).hash() for name, settings in CASES}
    assert len(hashes) == len(CASES)
    with pytest.raises(TurnwiseError, match="has no setting"):
        make(world.name, no_such_setting=1)


def test_reset_shows_something_and_asks_somebody(world):
    for task in spread(world.tasks("train"), 5):
        cursor = start(world, task)
        moment = cursor.moment
        assert cursor.open and set(moment.to_act) <= set(world.seats) and set(moment.views) <= set(world.seats)
        assert moment.views["agent"] and all(m.role in ("user", "system", "tool") for m in moment.views["agent"])
        json.dumps(moment.facts)
        assert world.title and world.name in WORLDS


def test_experts_play_to_one_end(world):
    assert world.experts
    for name in world.experts:
        for task in spread(world.tasks("eval"), 4):
            episode = finish(world, task, name)
            (leaf,) = episode.ends
            assert leaf.end is End.DONE and leaf.error is None, leaf.error
            assert isinstance(leaf.facts["success"], bool)
            assert 1 <= sum(turn.seat == "agent" for turn in episode.turns) <= world.turns
            assert all(turn.seat in world.seats and set(turn.rewards) <= set(world.seats) for turn in episode.turns)
            json.dumps([dict(turn.facts) for turn in episode.turns])


def test_same_seed_same_transcript_whoever_plays_beside(world):
    task, other = world.tasks("train")[0], world.tasks("train")[-1]
    name = sorted(world.experts)[0]
    alone = finish(world, task, name)
    beside, here = start(world, other), start(world, task)
    while here.open:
        say(here, expert_says(here, name))
        if beside.open:
            say(beside, expert_says(beside, name))
    together = here.episode("e", {})
    assert [(t.seen, t.message.text, t.rewards, t.facts) for t in together.turns] == [
        (t.seen, t.message.text, t.rewards, t.facts) for t in alone.turns
    ]
    assert together.ends == alone.ends


ENDED_BY_OTHERS = {"bargain", "car-dealer", "safe-answers", "social-deduction", "social-deduction-small"}
"""Worlds whose other players can end an episode, and win it, before the agent has used up its turns."""


def test_a_wrong_move_is_answered(world):
    cursor = start(world, world.tasks("train")[0])
    for turn in range(world.turns):
        if not cursor.open and world.name in ENDED_BY_OTHERS:
            break
        assert cursor.open
        say(cursor, NONSENSE[turn % len(NONSENSE)])
        assert not cursor.tree.ends or cursor.tree.ends[-1].error is None, cursor.tree.ends[-1].error
        assert cursor.moment.views["agent"]
    assert not cursor.open
    assert cursor.tree.ends[-1].facts["success"] is False or world.name in ENDED_BY_OTHERS


def test_legal_texts_are_taken(world):
    cursor = start(world, world.tasks("train")[0])
    wrong = cursor.fork(0, {})
    say(wrong, "this is no move")
    for text in cursor.moment.legal or ():
        branch = cursor.fork(text, {})
        say(branch, text)
        taken, refused = ((c.moment.rewards, c.seats["agent"].new) for c in (branch, wrong))
        assert taken != refused


def test_fork_keeps_the_hidden_facts_and_leaves_the_original(world):
    name = sorted(world.experts)[0]
    for task in spread(world.tasks("train"), 3):
        whole = [(t.message.text, t.rewards, t.facts) for t in finish(world, task, name).turns]
        cursor = start(world, task)
        say(cursor, expert_says(cursor, name))
        while cursor.open:
            before = json.dumps(dict(cursor.moment.facts))
            same, other = cursor.world.fork(Chance(cursor.chance.key)), cursor.world.fork(Chance(99))
            text = expert_says(cursor, name)
            answer = same_answer(same, text, cursor.tick)
            other.step({"agent": Message("assistant", "this is no move")})
            assert json.dumps(dict(cursor.moment.facts)) == before
            take(cursor, text)
            assert cursor.moment == answer
            others_speak(cursor)
        assert [(t.message.text, t.rewards, t.facts) for t in cursor.tree.turns][: len(whole)] == [
            (text, rewards, {**facts}) for text, rewards, facts in whole
        ]


def same_answer(world, text, tick):
    """A fork that has the original's draws must answer as the original will."""
    chance = next((v for v in vars(world).values() if isinstance(v, Chance)), None)
    if chance is not None:
        chance.at(tick + 1)
    return world.step({"agent": Message("assistant", text)})


def test_imagining_reads_the_view_alone(world):
    """Worlds that differ in hidden facts, with equal views, imagine the same world and their experts say the same."""
    tasks, name = world.tasks("train"), sorted(world.experts)[0]
    compared = 0
    for task in spread(tasks, 3):
        cursor = start(world, task)
        twins = [start(world, t) for t in spread(tasks, 40)]
        twins = [t for t in twins if t.view("agent").messages == cursor.view("agent").messages]
        for _ in range(4):
            view = cursor.view("agent")
            for twin in twins:
                compared += 1
                futures = [imagined_future(c.world, view, name) for c in (cursor, twin)]
                assert futures[0] == futures[1]
                rules = [c.world.expert(name) for c in (cursor, twin)]
                assert rules[0](view, generator(5)) == rules[1](view, generator(5))
            text = expert_says(cursor, name)
            for one in (cursor, *twins):
                say(one, text)
            twins = [t for t in twins if t.open and t.view("agent").messages == cursor.view("agent").messages]
            if not cursor.open:
                break
    assert compared


def imagined_future(world, view, name):
    """What happens in an imagined world when an expert's first answers are repeated."""
    before = dict(vars(world))
    imagined = world.imagine(view, Chance(key_of("imagined", view.tick)))
    assert vars(world) == before and imagined is not world
    says = imagined.expert(name)(view, generator(7))
    moments = []
    while not moments or ("agent" in moments[-1].to_act and len(moments) < 3):
        moments.append(imagined.step({"agent": Message("assistant", says)}))
    return moments


def test_imagined_worlds_play_on_to_an_end(world):
    name = sorted(world.experts)[0]
    cursor = start(world, world.tasks("train")[0])
    say(cursor, expert_says(cursor, name))
    while cursor.open:
        left = world.turns - cursor.turns_taken
        imagined = cursor.fork(3, {})
        imagined.world = cursor.world.imagine(cursor.view("agent"), imagined.chance)
        for turn in range(left):
            say(imagined, "this is no move")
            if not imagined.open and world.name in ENDED_BY_OTHERS:
                break
            assert imagined.open == (turn < left - 1)
        say(cursor, expert_says(cursor, name))
        if cursor.tick > 5:
            break


def test_random_observations_are_those_that_can_differ(world):
    """The same words in the same conversation, with other hidden facts and draws: answered differently, or not."""
    tasks, expert = world.tasks("train"), sorted(world.experts)[0]
    pool = spread(sorted({t.message.text for task in spread(tasks, 4) for t in finish(world, task, expert).turns}), 12)
    answers, differs = {}, False
    for script in range(6):
        for task in spread(tasks, 12):
            for key in range(3):
                cursor, words = start(world, task, key), generator("words", script)
                while cursor.open and cursor.tick < 6:
                    before = conversation(cursor)
                    texts = list(cursor.moment.legal or pool)
                    text = texts[int(words.integers(len(texts)))]
                    say(cursor, text)
                    after = cursor.moment.views["agent"], dict(cursor.moment.rewards), cursor.moment.end
                    differs |= answers.setdefault((before, text), after) != after
    assert differs == world.random_observations


def conversation(cursor):
    """All that the agent has seen and said so far."""
    turns = [turn for turn in cursor.tree.turns if turn.seat == "agent"]
    return tuple(m for t in turns for m in (*t.seen, t.message)) + cursor.view("agent").new
